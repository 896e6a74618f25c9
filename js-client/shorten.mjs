/**
 * Names that gzip likes: every name in the built file is one or two characters long, but which ones is free.
 *
 * gzip pays for what does not repeat, so the search swaps names and keeps each swap that makes the file smaller. That
 * takes a minute and saves 4 %; what it found is committed, and only applied by the next build of the same sources.
 */
import { deflateRawSync } from "node:zlib";
import { parse } from "acorn";
import { analyze } from "eslint-scope";

/** Until it gets its short name, an internal property has one that nothing else has; those of some classes a family. */
const LONG = /^\$(?:(\d+)_)?\w+\$$/;

/** In the order of choice: what is frequent in the rest of the file comes first. */
const LETTERS = [..."tesinhroalcudfpmgbwyvkxjqzACDEFGHIJKLMNOPQRSTUVWXYZB$_"];

/**
 * One thing that has a name. Those that must not have one name are its others: variables that can be seen in one place,
 * or properties of one object.
 * @typedef {{ readonly kind: "variable" | "property", name: string, readonly others: Set<Slot> }} Slot
 */

/** The names of a script, and what stands between them. */
export class Names {
  /** @type {Slot[]} */
  #slots = [];
  /** Each place where a name stands, in order, with the text in front of it. @type {{ before: string, slot: Slot }[]} */
  #places = [];
  #rest = "";
  /** Names of the environment, which no variable or property may take. @type {Set<string>} */
  #foreign = new Set();

  /** @param {string} script */
  constructor(script) {
    const tree = /** @type {import("estree").Program} */ (parse(script, { ecmaVersion: 2022, ranges: true }));
    /** @type {Map<number, { end: number, slot: Slot, key: string }>} */
    const found = new Map();
    this.#findVariables(tree, found);
    this.#findMembers(tree, found);
    let end = 0;
    for (const [start, { slot, key, ...place }] of [...found].sort(([a], [b]) => a - b)) {
      this.#places.push({ before: script.slice(end, start) + key, slot });
      end = place.end;
    }
    this.#rest = script.slice(end);
    this.#nameProperties();
  }

  /** The script with the names that its slots have now. */
  toString() {
    let text = "";
    for (const { before, slot } of this.#places) text += before + slot.name;
    return text + this.#rest;
  }

  get names() {
    return this.#slots.map(({ name }) => name);
  }

  set names(names) {
    for (const [index, slot] of this.#slots.entries()) slot.name = names[index] ?? slot.name;
  }

  /** Which places of variables belong together: the same for scripts that differ in names only. */
  get shape() {
    const places = this.#places.filter(({ slot }) => slot.kind === "variable");
    const slots = [...new Set(places.map(({ slot }) => slot))];
    const indices = new Map(slots.map((slot, index) => [slot, index]));
    return places.map(({ slot }) => indices.get(slot)).join();
  }

  /**
   * Look for better names.
   * @param {number} rounds
   */
  search(rounds) {
    const random = mulberry32(rounds);
    /** @template T @param {readonly T[]} list */
    const any = (list) => /** @type {T} */ (list[Math.floor(random() * list.length)]);
    const frequent = LETTERS.slice(0, 20);
    const groups = [
      this.#slots.filter(({ kind }) => kind === "variable"),
      this.#slots.filter(({ kind }) => kind === "property"),
    ];
    let best = sizeOf(this);
    for (let round = 0; round < rounds; round++) {
      const slot = any(any(groups));
      const wished = random() < 0.5 ? any([...slot.others, slot]).name : any(random() < 0.6 ? frequent : LETTERS);
      const undo = this.#swap(slot, slot.kind === "variable" ? any(frequent) : wished);
      const size = undo ? sizeOf(this) : best;
      if (size > best) undo?.();
      else best = size;
    }
  }

  /**
   * Give a slot another name, and its own to those that are in the way. Undefined when that cannot be.
   * @param {Slot} slot
   * @param {string} name
   */
  #swap(slot, name) {
    const { name: old } = slot;
    if (name === old || this.#foreign.has(name)) return undefined;
    const blocking = [...slot.others].filter((other) => other.name === name);
    for (const other of blocking) {
      for (const third of other.others) if (third !== slot && third.name === old) return undefined;
    }
    slot.name = name;
    for (const other of blocking) other.name = old;
    return () => {
      slot.name = old;
      for (const other of blocking) other.name = name;
    };
  }

  /**
   * @param {import("estree").Program} tree
   * @param {Map<number, { end: number, slot: Slot, key: string }>} found
   */
  #findVariables(tree, found) {
    const manager = analyze(tree, { ecmaVersion: 2022, sourceType: "script" });
    for (const { identifier } of manager.globalScope?.through ?? []) this.#foreign.add(nameOf(identifier));
    /** In each scope what it declares, and for each variable in which scopes it can be seen to be used. */
    const declared = new Map(manager.scopes.map((scope) => [scope, /** @type {Slot[]} */ ([])]));
    /** @type {[Slot, Set<import("eslint-scope").Scope>][]} */
    const used = [];
    for (const scope of manager.scopes) {
      for (const variable of scope.variables) {
        if (!variable.defs.length) continue;
        const slot = this.#add("variable", variable.name);
        declared.get(scope)?.push(slot);
        const scopes = new Set([scope]);
        for (const { from } of variable.references) {
          for (let inner = from; inner !== scope && inner.upper; inner = inner.upper) scopes.add(inner);
        }
        used.push([slot, scopes]);
        for (const node of [...variable.identifiers, ...variable.references.map(({ identifier }) => identifier)]) {
          const [start, end] = rangeOf(/** @type {import("estree").Identifier} */ (node));
          found.set(start, { end, slot, key: "" });
        }
      }
    }
    for (const [slot, scopes] of used) {
      for (const scope of scopes) {
        for (const other of declared.get(scope) ?? []) if (other !== slot) conflict([slot, other]);
      }
    }
  }

  /**
   * @param {import("estree").Program} tree
   * @param {Map<number, { end: number, slot: Slot, key: string }>} found
   */
  #findMembers(tree, found) {
    /** @type {Map<string, Slot>} */
    const properties = new Map();
    walk(tree, (node, key) => {
      if (node.type === "Identifier" && key) {
        if (LONG.test(node.name)) {
          const slot = properties.get(node.name) ?? this.#add("property", node.name);
          properties.set(node.name, slot);
          const [start, end] = rangeOf(node);
          found.set(start, { end, slot, key: "" });
        } else {
          this.#foreign.add(node.name);
        }
      } else if (node.type === "Property" && node.shorthand) {
        // A variable with a known key: from now on both are said.
        const [start] = rangeOf(node);
        const place = found.get(start);
        if (place) place.key = `${nameOf(node.key)}:`;
        this.#foreign.add(nameOf(node.key));
      }
    });
    const families = new Map([...properties.keys()].map((name) => [LONG.exec(name)?.[1], /** @type {Slot[]} */ ([])]));
    for (const slot of properties.values()) families.get(LONG.exec(slot.name)?.[1])?.push(slot);
    const shared = families.get(undefined) ?? [];
    for (const family of families.values()) conflict([...new Set([...shared, ...family])]);
  }

  /** Those that stand in many places get the shortest. */
  #nameProperties() {
    const counts = new Map(this.#slots.map((slot) => [slot, 0]));
    for (const { slot } of this.#places) counts.set(slot, (counts.get(slot) ?? 0) + 1);
    const free = [...LETTERS, ...LETTERS.flatMap((first) => LETTERS.slice(0, 9).map((second) => first + second))];
    const names = free.filter((name) => !this.#foreign.has(name));
    const properties = this.#slots.filter((slot) => LONG.test(slot.name));
    for (const slot of properties.sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))) {
      const taken = new Set([...slot.others].map(({ name }) => name));
      slot.name = names.find((name) => !taken.has(name)) ?? slot.name;
    }
  }

  /**
   * @param {Slot["kind"]} kind
   * @param {string} name
   * @returns {Slot}
   */
  #add(kind, name) {
    const slot = { kind, name, others: new Set() };
    this.#slots.push(slot);
    return slot;
  }
}

/** @param {readonly Slot[]} slots */
function conflict(slots) {
  for (const slot of slots) {
    for (const other of slots) if (other !== slot) slot.others.add(other);
  }
}

/** @param {unknown} text */
function sizeOf(text) {
  return deflateRawSync(String(text), { level: 9 }).length;
}

/**
 * Visit every node, told whether it is the name of a member.
 * @param {import("estree").Node} node
 * @param {(node: import("estree").Node, key: boolean) => void} visit
 */
function walk(node, visit, key = false) {
  visit(node, key);
  for (const [field, value] of Object.entries(node)) {
    const isName = (field === "property" || field === "key") && "computed" in node && !node.computed;
    if (isName && "shorthand" in node && node.shorthand) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") walk(child, visit, isName);
    }
  }
}

/** @param {{ type: string }} node */
function nameOf(node) {
  if (!("name" in node)) throw new Error(`a name was expected, not ${node.type}`);
  return String(node.name);
}

/**
 * @param {{ range?: [number, number] | undefined }} node
 * @returns {[number, number]}
 */
function rangeOf({ range }) {
  if (!range) throw new Error("acorn gave no range");
  return range;
}

/**
 * A small generator of numbers in [0, 1) whose whole state is its seed.
 * @param {number} seed
 */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
