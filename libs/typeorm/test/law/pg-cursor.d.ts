/** pg-cursor ships no types; what the tests use of it. */
declare module 'pg-cursor' {
  export default class Cursor<Row> {
    constructor(text: string, values?: readonly unknown[]);
    read(rows: number): Promise<Row[]>;
    close(): Promise<void>;
  }
}
