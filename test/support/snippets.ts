/** Code in prose: found in Markdown and in doc comments, compiled as modules, and executed with its comments checked. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import ts from 'typescript'
import { compile } from './compile.ts'

export interface Snippet {
  /** `README.md:23`, where its first line of code is */
  readonly at: string
  readonly code: string
  /** it has JSX */
  readonly isTsx?: boolean
}
/** What `import` gives, by specifier. */
export type Modules = Readonly<Record<string, object>>

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

function blocks(path: string, text: string): Snippet[] {
  return [...text.matchAll(/^```ts(x?)\n(.*?)^```$/gms)].map(({ index, 1: x, 2: code = '' }) => ({
    at: `${path}:${text.slice(0, index).split('\n').length + 1}`,
    code,
    isTsx: x === 'x',
  }))
}

export const snippetsOfMarkdown = (path: string): Snippet[] => blocks(path, read(path))

/** Doc comments import nothing: what the modules export is at hand there. */
export function snippetsOfDocComments(folder: string, modules: Modules): Snippet[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.tsx?$/.test(path),
  )
  const found = files.flatMap((file) => blocks(join(folder, file), read(join(folder, file)).replace(/^ *\* ?/gm, '')))
  return found.map(({ code, ...snippet }) => {
    const words = code.split(/[^\w$]+/)
    const imports = Object.entries(modules).map(([specifier, exported]) => {
      const names = Object.keys(exported).filter((name) => words.includes(name))
      return names.length > 0 ? `import { ${names.join(', ')} } from '${specifier}'; ` : ''
    })
    return { ...snippet, code: imports.join('') + code }
  })
}

/** What the compiler says, as `README.md:23: …`; `world` is a module whose `snippetWorld()` makes what all take for granted. */
export function typeErrors(snippets: readonly Snippet[], world: string, names: readonly string[]): string[] {
  const globals = `
    import type { snippetWorld } from '${world}'
    type World = ReturnType<typeof snippetWorld>
    declare global { ${names.map((name) => `const ${name}: World['${name}'];`).join(' ')} }`
  const programs = Object.fromEntries(
    snippets.map(({ code, isTsx }, at) => [`test/snippet-${at}.ts${isTsx ? 'x' : ''}`, code]),
  )
  return compile({ ...programs, 'test/snippet-globals.ts': globals }).map(({ file, line, message }) => {
    const [path, first] = snippets[Number(/\d+/.exec(file)?.[0])]?.at.split(':') ?? [file, 1]
    return `${path}:${Number(first) + line}: ${message}`
  })
}

/** A comment that says what the expression before it gives: a literal, maybe with a reason behind a colon. */
const claim = /^\/\/ ('[^']*'|[\d_.]+|true|false|null|undefined|\[.*?\]|\{.*?\})(?:: .*)?$/

/** Turns `expression // 'a'` into a check of the expression; so that `console.log(expression) // 'a'` means the same. */
function withChecks(code: string, isTsx: boolean): string {
  const source = ts.createSourceFile(isTsx ? 'snippet.tsx' : 'snippet.ts', code, ts.ScriptTarget.Latest)
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) {
      const comment = ts.getTrailingCommentRanges(code, node.end)?.[0]
      const [, literal] = claim.exec(comment ? code.slice(comment.pos, comment.end) : '') ?? []
      const call = ts.isCallExpression(node.expression) && node.expression.expression.getText(source) === 'console.log'
      const subject = call ? (node.expression as ts.CallExpression).arguments[0] : node.expression
      if (literal !== undefined && subject !== undefined) {
        const [start, end] = [subject.getStart(source), subject.end]
        const line = source.getLineAndCharacterOfPosition(start).line
        edits.push({ start, end, text: `check(${line}, (${code.slice(start, end)}), ${literal})` })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return edits.reduceRight((text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end), code)
}

export interface Execution {
  /** how many comments were compared with what they speak of */
  readonly checked: number
  /** those that are not true */
  readonly wrong: readonly string[]
}

/** Executes a snippet in a function of its own, where the names of the world are at hand. Throws what it throws. */
export async function execute(
  { at, code, isTsx = false }: Snippet,
  world: Readonly<Record<string, unknown>>,
  modules: Modules,
): Promise<Execution> {
  const [path, first] = at.split(':')
  const wrong: string[] = []
  let checked = 0
  const check = (line: number, actual: unknown, claimed: unknown) => {
    checked += 1
    if (!isDeepStrictEqual(actual, claimed))
      wrong.push(`${path}:${Number(first) + line}: ${JSON.stringify(actual)}, not ${JSON.stringify(claimed)}`)
    return actual
  }
  const require = (specifier: string): unknown => {
    if (specifier in modules) return modules[specifier]
    throw new Error(`${at} imports ${specifier}, which no snippet may`)
  }
  const { outputText } = ts.transpileModule(withChecks(code, isTsx), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, jsx: ts.JsxEmit.ReactJSX },
    fileName: isTsx ? 'snippet.tsx' : 'snippet.ts',
  })
  const given = { ...world, check, require, exports: {} }
  // A block of its own, so that the snippet may declare a name that it was given.
  const body = Function(...Object.keys(given), `return (async () => {{ ${outputText}\n}})()`)
  await body(...Object.values(given))
  return { checked, wrong }
}
