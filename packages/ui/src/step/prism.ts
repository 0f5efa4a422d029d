import './prism-manual.js';
import Prism, { type Token } from 'prismjs/components/prism-core';
import 'prismjs/components/prism-clike';
import 'prismjs/components/prism-markup';
import 'prismjs/components/prism-javascript';
import 'prismjs/components/prism-typescript';
import 'prismjs/components/prism-jsx';
import 'prismjs/components/prism-tsx';
import 'prismjs/components/prism-json';

/** Words of code, as a tree. */
export const tokens = (code: string, language: string): readonly (string | Token)[] => {
  const grammar = Prism.languages[language];
  return grammar === undefined ? [code] : Prism.tokenize(code, grammar);
};
