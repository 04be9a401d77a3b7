const WIDTH = 120
const INDENT = 2

/** A word, or a pair of brackets with what is between them. `space`: white space stands before it. */
type Node =
  | { readonly space: boolean; readonly text: string }
  | {
      readonly space: boolean
      readonly open: string
      readonly close: string
      readonly inner: readonly Node[]
    }

/** Begins a clause if it stands at the outermost level of a query. */
const CLAUSE =
  /^(select|insert into|update|delete from|from|using|where|order by|on conflict|set|returning|union all|(left |cross )?join|for update)$/

/**
 * Returns a statement with line breaks and an indentation, in lines of at most 120 characters where that is possible. Only
 * white space differs. The statement has neither comments nor quoted text with white space that matters.
 */
export function formatSql(statement: string): string {
  const tokens = statement.match(/\s+|'[^']*'|"[^"]*"|[()[\],]|[^\s'"()[\],]+/g) ?? []
  const nodes = readNodes(tokens)
  return query(nodes, 0)
}

function readNodes(tokens: string[]): Node[] {
  const nodes: Node[] = []
  let space = false
  for (let token = tokens.shift(); token !== undefined && token !== ')' && token !== ']'; ) {
    const isSpace = /^\s/.test(token)
    if (token === '(' || token === '[') {
      nodes.push({ space, open: token, close: token === '(' ? ')' : ']', inner: readNodes(tokens) })
    } else if (!isSpace) nodes.push({ space, text: token })
    space = isSpace
    token = tokens.shift()
  }
  return nodes
}

/** Nodes on one line. */
function flat(nodes: readonly Node[]): string {
  return nodes
    .map((node, at) => {
      const text = 'text' in node ? node.text : `${node.open}${flat(node.inner)}${node.close}`
      return at > 0 && node.space ? ` ${text}` : text
    })
    .join('')
}

const fits = (nodes: readonly Node[], indent: number) => indent + flat(nodes).length <= WIDTH

const lineBreak = (indent: number) => `\n${' '.repeat(indent)}`

/** A query, or another list of nodes: each of its clauses begins a line. */
function query(nodes: readonly Node[], indent: number): string {
  if (fits(nodes, indent)) return flat(nodes)
  return clausesOf(nodes)
    .map((nodes) => clause(nodes, indent))
    .join(lineBreak(indent))
}

function clausesOf(nodes: readonly Node[]): Node[][] {
  return split(nodes, (at) => {
    const [before, word, next] = [at - 1, at, at + 1].map((at) => wordAt(nodes, at))
    if (before === 'left' || before === 'cross') return false
    if (word === 'from' && (before === 'distinct' || before === 'delete')) return false
    if (word === 'update' && (before === 'do' || before === 'for')) return false
    return CLAUSE.test(word as string) || CLAUSE.test(`${word} ${next}`)
  })
}

const wordAt = (nodes: readonly Node[], at: number) => {
  const node = nodes[at]
  return node && 'text' in node ? node.text : ''
}

/** Parts of the nodes, each of which begins where `begins` says. */
function split(nodes: readonly Node[], begins: (at: number) => boolean): Node[][] {
  const parts: Node[][] = [[]]
  for (const [at, node] of nodes.entries()) {
    if (at > 0 && begins(at)) parts.push([])
    parts.at(-1)?.push(node)
  }
  return parts
}

function clause(nodes: readonly Node[], indent: number): string {
  if (fits(nodes, indent)) return flat(nodes)
  const items = split(nodes, (at) => wordAt(nodes, at - 1) === ',')
  const inner = indent + INDENT
  if (wordAt(nodes, 0) === 'with') return items.map((item) => broken(item, indent)).join(' ')
  if (items.length > 1) {
    const [[...first] = [], ...others] = items
    const keyword = first.splice(0, keywordLength(first))
    if (keyword.length === 0) return filled(items, indent)
    return `${broken(keyword, indent)}${lineBreak(inner)}${filled([first, ...others], inner)}`
  }
  const [first = [], ...others] = split(nodes, (at) => ['and', 'or'].includes(wordAt(nodes, at)))
  return [broken(first, indent), ...others.map((condition) => broken(condition, inner))].join(
    lineBreak(inner),
  )
}

/** Number of nodes before the first item of a list: `order by`, `select distinct on (...)`. */
function keywordLength(nodes: readonly Node[]): number {
  const [first, second] = [wordAt(nodes, 0), wordAt(nodes, 1)]
  if (second === 'distinct') return wordAt(nodes, 2) === 'on' ? 4 : 2
  if (CLAUSE.test(`${first} ${second}`)) return 2
  return CLAUSE.test(first) ? 1 : 0
}

/** As many items on each line as there is room for. */
function filled(items: ReadonlyArray<readonly Node[]>, indent: number): string {
  const lines: string[] = []
  let isFull = true
  for (const item of items) {
    if (!fits(item, indent)) {
      lines.push(broken(item, indent))
      isFull = true
      continue
    }
    const text = flat(item)
    const longer = `${lines.at(-1)} ${text}`
    if (!isFull && indent + longer.length <= WIDTH) lines[lines.length - 1] = longer
    else lines.push(text)
    isFull = false
  }
  return lines.join(lineBreak(indent))
}

/** What does not fit on a line: brackets have their contents on lines of their own. */
function broken(nodes: readonly Node[], indent: number): string {
  let text = ''
  for (const [at, node] of nodes.entries()) {
    const space = at > 0 && node.space ? ' ' : ''
    const column = indent + (text.split('\n').at(-1)?.length ?? 0)
    const one = flat([node])
    if ('text' in node || column + one.length < WIDTH) text += space + one
    else {
      const inner = indent + INDENT
      text += `${space}${node.open}${lineBreak(inner)}${query(node.inner, inner)}${lineBreak(indent)}${node.close}`
    }
  }
  return text
}
