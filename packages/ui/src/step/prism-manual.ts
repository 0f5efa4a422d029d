// Prism would look for code in the page by itself, and write HTML.
(globalThis as { Prism?: unknown }).Prism = { manual: true };
export {};
