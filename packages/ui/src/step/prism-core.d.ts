declare module 'prismjs/components/prism-core' {
  export * from 'prismjs';
  import * as Prism from 'prismjs';
  export default Prism;
}
declare module 'prismjs/components/prism-*';
