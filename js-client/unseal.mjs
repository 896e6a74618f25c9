/**
 * Private names as properties: each `#` and each declaration costs a byte, and the build has nobody to keep out.
 *
 * What is private to the language for a reason (a secret) must therefore not be a field; see ClientSession.key.
 */
import { parse } from "acorn";

/**
 * The script with its private names as properties that shorten.mjs knows: `$<family>_<class>_<name>$`. Objects of a
 * class have the names of its family, the classes that extend one another, and none of other families.
 * @param {string} script
 */
export function unsealed(script) {
  /** @type {{ start: number, end: number, text: string }[]} */
  const edits = [];
  /** The family of each class that has a name. @type {Map<string, number>} */
  const families = new Map();
  /** Around the node. @type {{ id: number, family: number, own: Set<string> }[]} */
  const classes = [];
  let count = 0;

  /** @param {any} node @param {string} [name] */
  function visit(node, name) {
    if (typeof node?.type !== "string") return;
    const isClass = node.type === "ClassExpression" || node.type === "ClassDeclaration";
    if (isClass) {
      const id = count++;
      const family = families.get(node.superClass?.name) ?? id;
      families.set(node.id?.name ?? name, family);
      /** @type {{ key?: { type: string, name: string } }[]} */
      const members = node.body.body;
      const own = members.flatMap(({ key }) => (key?.type === "PrivateIdentifier" ? [key.name] : []));
      classes.push({ id, family, own: new Set(own) });
    }
    const { start, end } = node;
    if (node.type === "PropertyDefinition" && node.key.type === "PrivateIdentifier" && !node.value) {
      edits.push({ start, end, text: "" });
    } else if (node.type === "PrivateIdentifier") {
      const { id, family } = [...classes].reverse().find(({ own }) => own.has(node.name)) ?? fail(node.name);
      const space = /\w/.test(script[start - 1] ?? "") ? " " : "";
      edits.push({ start, end, text: `${space}$${family}_${id}_${node.name.replace("$", "0")}$` });
    } else {
      for (const child of Object.values(node).flat()) {
        visit(child, node.type === "VariableDeclarator" ? node.id.name : undefined);
      }
    }
    if (isClass) classes.pop();
  }

  visit(parse(script, { ecmaVersion: 2022 }));
  edits.sort((a, b) => b.start - a.start);
  return edits.reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), script);
}

/** @param {string} name @returns {never} */
function fail(name) {
  throw new Error(`no class around it has #${name}`);
}
