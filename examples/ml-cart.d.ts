/** The part of ml-cart (which ships no declarations) that the examples use. */
declare module 'ml-cart' {
  export class DecisionTreeClassifier {
    constructor(options?: { gainFunction?: 'gini'; maxDepth?: number; minNumSamples?: number });
    train(trainingSet: number[][], labels: number[]): void;
    predict(rows: number[][]): number[];
    toJSON(): { readonly [key: string]: unknown };
    static load(model: { readonly [key: string]: unknown }): DecisionTreeClassifier;
  }
}
