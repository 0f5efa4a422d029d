/** A row as every store selects it: values in the order of the statement's columns. */
export type Row = readonly unknown[];
