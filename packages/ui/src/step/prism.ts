import './prism-manual.js';
import Prism, { type Token } from 'prismjs/components/prism-core';
import 'prismjs/components/prism-clike';
import 'prismjs/components/prism-javascript';
import 'prismjs/components/prism-typescript';
import 'prismjs/components/prism-json';

/** Words of code, as a tree. */
export const tokens = (code: string, language: string): readonly (string | Token)[] => {
  // JSX in it stays plain: its grammar costs more than its few words of colour are worth.
  const grammar = Prism.languages[language === 'tsx' ? 'typescript' : language];
  return grammar === undefined ? [code] : Prism.tokenize(code, grammar);
};
