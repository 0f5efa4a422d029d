import { Parser, TokenType, tokTypes, type Node, type Options, type Position, type Program } from 'acorn';
import type { Decorator } from './syntax.js';

/**
 * acorn knows no decorators. This subclass reads them on classes, class elements and class
 * expressions, in the grammar that legacy and standard decorators share, and auto-accessors. What
 * reaches it was printed by esbuild, so positions of decorators are always before the `class` keyword
 * or after `export`.
 */

/** The part of acorn's parser, untyped by acorn, that a plugin works with. */
interface ParserInternals {
  readonly input: string;
  pos: number;
  type: TokenType;
  start: number;
  startLoc: Position;
  parse(): Program;
  next(): void;
  eat(type: TokenType): boolean;
  raise(position: number, message: string): never;
  isContextual(name: string): boolean;
  startNode(): Node;
  startNodeAt(start: number, location: Position): Node;
  finishNode(node: Node, type: string): Node;
  finishToken(type: TokenType): void;
  getTokenFromCode(code: number): void;
  parseIdent(liberal: boolean): Node;
  parsePrivateIdent(): Node;
  parseExprList(close: TokenType, trailingComma: boolean): Node[];
  parseParenAndDistinguishExpression(canBeArrow: boolean): Node;
  parseClass(node: Node, statement: boolean | 'nullableID'): Node;
  parseClassElement(constructorAllowsSuper: boolean): Node | null;
  parseClassElementName(element: Node): void;
  parseStatement(context: string | null, topLevel?: boolean, exports?: object): Node;
  parseExportDeclaration(node: Node): Node;
  shouldParseExportStatement(): boolean;
  parseExportDefaultDeclaration(): Node;
  parseExprAtom(...rest: unknown[]): Node;
}

const Base = Parser as unknown as {
  new (options: Options, input: string, start?: number): ParserInternals;
  parse(input: string, options: Options): Program;
};

const AT = new (TokenType as unknown as new (label: string) => TokenType)('@');
const AT_CODE = 64;

type Growing = Node & Record<string, unknown>;

class DecoratorParser extends Base {
  override getTokenFromCode(code: number): void {
    if (code !== AT_CODE) return super.getTokenFromCode(code);
    this.pos += 1;
    this.finishToken(AT);
  }

  override parseStatement(context: string | null, topLevel?: boolean, exports?: object): Node {
    if (this.type !== AT) return super.parseStatement(context, topLevel, exports);
    const start = this.start;
    const decorators = this.decorators();
    const statement = super.parseStatement(context, topLevel, exports) as Growing;
    const declared = (statement.type === 'ClassDeclaration' ? statement : statement['declaration']) as
      Growing | undefined;
    if (declared?.type.startsWith('Class') !== true)
      this.raise(start, 'a decorator must stand before a class');
    this.decorate(declared, decorators);
    return statement;
  }

  override shouldParseExportStatement(): boolean {
    return this.type === AT || super.shouldParseExportStatement();
  }

  override parseExportDeclaration(node: Node): Node {
    return this.type === AT ? this.parseStatement(null) : super.parseExportDeclaration(node);
  }

  override parseExportDefaultDeclaration(): Node {
    if (this.type !== AT) return super.parseExportDefaultDeclaration();
    const decorators = this.decorators();
    return this.decorate(this.parseClass(this.startNode(), 'nullableID'), decorators);
  }

  override parseExprAtom(...rest: unknown[]): Node {
    if (this.type !== AT) return super.parseExprAtom(...rest);
    const decorators = this.decorators();
    return this.decorate(this.parseClass(this.startNode(), false), decorators);
  }

  override parseClassElement(constructorAllowsSuper: boolean): Node | null {
    if (this.type !== AT) return super.parseClassElement(constructorAllowsSuper);
    const decorators = this.decorators();
    const element = this.parseClassElement(constructorAllowsSuper);
    return element === null ? null : this.decorate(element, decorators);
  }

  override parseClassElementName(element: Node): void {
    // `accessor` is a keyword only when another name follows: `accessor = 1` is a field of that name.
    if (this.isContextual('accessor') && /^[ \t]*[#[\w$"']/.test(this.input.slice(this.pos, this.pos + 64))) {
      this.next();
      (element as Growing)['accessor'] = true;
    }
    super.parseClassElementName(element);
  }

  private decorate(node: Node, decorators: readonly Decorator[]): Node {
    const known = ((node as Growing)['decorators'] as readonly Decorator[] | undefined) ?? [];
    (node as Growing)['decorators'] = [...decorators, ...known];
    return node;
  }

  private decorators(): Decorator[] {
    const found: Decorator[] = [];
    while (this.type === AT) {
      const node = this.startNode() as Growing;
      this.next();
      node['expression'] =
        this.type === tokTypes.parenL ? this.parseParenAndDistinguishExpression(false) : this.decoratorPath();
      found.push(this.finishNode(node, 'Decorator') as Decorator);
    }
    return found;
  }

  /** `a.b.c` with at most one call at its end. */
  private decoratorPath(): Node {
    const { start, startLoc } = this;
    let expression = this.parseIdent(true);
    while (this.eat(tokTypes.dot)) {
      const member = this.startNodeAt(start, startLoc) as Growing;
      member['object'] = expression;
      member['computed'] = false;
      member['optional'] = false;
      member['property'] =
        this.type === tokTypes.privateId ? this.parsePrivateIdent() : this.parseIdent(true);
      expression = this.finishNode(member, 'MemberExpression');
    }
    if (!this.eat(tokTypes.parenL)) return expression;
    const call = this.startNodeAt(start, startLoc) as Growing;
    call['callee'] = expression;
    call['optional'] = false;
    call['arguments'] = this.parseExprList(tokTypes.parenR, true);
    return this.finishNode(call, 'CallExpression');
  }
}

export function parseModule(code: string): Program {
  return DecoratorParser.parse(code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    ranges: true,
    allowHashBang: true,
    allowReturnOutsideFunction: true,
  });
}
