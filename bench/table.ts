/** Tables as text: the same on the console and in the document. */

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/** Its first column is text, the others are figures. */
export const table = ({ head, rows }: Table): string =>
  [line(head), line(head.map((_, column) => (column ? '---:' : '---'))), ...rows.map(line)].join('\n')
