/** A flower's species is kept as its place in this list. */
export const SPECIES = ['setosa', 'versicolor', 'virginica'];

/** Sepal length and width, petal length and width, in centimetres. */
export type Features = number[];
