/** What the rules need to know of a source file: its imports, what it exports by default, and which globals it uses. */
import { posix } from 'node:path';
import ts from 'typescript';

export interface Import {
  /** As written: `node:fs`, `../linux/abi.ts`. */
  readonly specifier: string;
  /** Of a file of ours, its path from the top of the project. */
  readonly file: string | undefined;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
  /** `import()`. */
  readonly lazy: boolean;
  readonly line: number;
  readonly text: string;
}

export interface Source {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Uses of the clock, of randomness and of the process, such as `Date.now`. */
  readonly impurities: readonly Place[];
  readonly defaultExports: readonly Place[];
}

export interface Place {
  readonly line: number;
  readonly text: string;
}

const impureObjects = new Set(['process', 'performance', 'crypto', 'console']);
const impureMembers = new Set(['Date.now', 'Math.random']);
const impureFunctions = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch']);

export function parse(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const textLines = text.split('\n');
  const place = (node: ts.Node): Place => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
    return { line: line + 1, text: (textLines[line] ?? '').trim() };
  };
  const imports: Import[] = [];
  const impurities: Place[] = [];
  const defaultExports: Place[] = [];
  const declared = declaredNames(file);

  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) {
      const lazy = ts.isCallExpression(node);
      const text = lazy ? place(node).text : node.getText(file).replaceAll(/\s+/g, ' ');
      imports.push({ ...found, file: ownFile(path, found.specifier), lazy, line: place(node).line, text });
    }
    if (isImpure(node, declared)) impurities.push(place(node));
    if (isDefaultExport(node)) defaultExports.push(place(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, lines: text.trimEnd().split('\n').length, imports, impurities, defaultExports };
}

function ownFile(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

function importOf(node: ts.Node): { specifier: string; typeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: importsTypesOnly(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly };
  }
  if (ts.isCallExpression(node) && isLoader(node.expression)) {
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteralLike(argument))
      return { specifier: argument.text, typeOnly: false };
  }
  return undefined;
}

function isLoader(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

function importsTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.length > 0 &&
    names.elements.every((element) => element.isTypeOnly)
  );
}

/** Names that the file gives a meaning of its own: a `process` imported from a neighbour is not Node's. */
function declaredNames(file: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const declares =
      ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isImportSpecifier(node) || ts.isBindingElement(node);
    if (declares && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

function isImpure(node: ts.Node, declared: ReadonlySet<string>): boolean {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const object = node.expression.text;
    return !declared.has(object) && (impureObjects.has(object) || impureMembers.has(`${object}.${node.name.text}`));
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    return !declared.has(node.expression.text) && impureFunctions.has(node.expression.text);
  }
  return ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'Date'
    ? (node.arguments?.length ?? 0) === 0
    : false;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return ts.canHaveModifiers(node)
    ? (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword)
    : false;
}
