/** Compiles programs that exist only in memory, as files of this project, under the options of tsconfig.json. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export interface Complaint {
  /** relative to the project */
  readonly file: string
  /** from 0 */
  readonly line: number
  readonly message: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What `npm run types` compiles: its options, and every file of it. */
export function project(): ts.ParsedCommandLine {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  return ts.parseJsonConfigFileContent(config, ts.sys, root)
}

/** Every error in these programs; keys are paths, below a folder that exists. */
export function compile(programs: Readonly<Record<string, string>>): Complaint[] {
  const texts = new Map(Object.entries(programs).map(([path, text]) => [join(root, path), text]))
  const options = { ...project().options, moduleDetection: ts.ModuleDetectionKind.Force }
  const host = ts.createCompilerHost(options)
  const { readFile, fileExists } = host
  const overlay: ts.CompilerHost = {
    ...host,
    readFile: (path) => texts.get(path) ?? readFile(path),
    fileExists: (path) => texts.has(path) || fileExists(path),
    getSourceFile: (path, version) => {
      const text = texts.get(path) ?? readFile(path)
      return text === undefined ? undefined : ts.createSourceFile(path, text, version)
    },
  }
  const program = ts.createProgram([...texts.keys()], options, overlay)
  const found = [...texts.keys()].flatMap((path) => {
    const file = program.getSourceFile(path)
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
  })
  return found.map(({ file, start = 0, messageText }) => ({
    file: file?.fileName.slice(root.length) ?? '',
    line: file?.getLineAndCharacterOfPosition(start).line ?? 0,
    message: ts.flattenDiagnosticMessageText(messageText, '\n'),
  }))
}
