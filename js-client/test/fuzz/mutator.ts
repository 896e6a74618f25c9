/** Mutants of byte strings: cheap to make, and the same again for the same seed. The twin of tests/fuzz/mutator.py. */
import { type Random, seeded } from "../protocol/samples.js";

export type Bytes = Uint8Array<ArrayBuffer>;

// Short inputs are many inputs. What is long by nature is read as it is.
const LONGEST = 2048;
// What was accepted is mutated further, in so many places.
const LEARNED = 512;

/** The edges of integers and lengths, in every width they are written in. */
const EDGES: readonly Bytes[] = [1, 2, 4, 8].flatMap((width) =>
  [0n, 7n, 8n, 15n, 16n, 31n, 32n, 53n, 63n, 64n]
    .flatMap((bits) => [2n ** bits - 1n, 2n ** bits, 2n ** bits + 1n])
    .filter((edge) => edge < 256n ** BigInt(width))
    .map((edge) => Uint8Array.from({ length: width }, (_, place) => Number(edge >> BigInt(8 * (width - 1 - place))))),
);

/** Bytes that mean something somewhere: ends of ASCII, of UTF-8, of the ranges of msgpack, of text formats. */
const TELLING = bytesOf('\0\x01\n\r\x1f "$,:[\\]{}\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xed\xff');

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[A-Za-z]+|\s+|[^\sA-Za-z0-9"]|./gs;

/** The bytes of a text of which every character is one. */
export function bytesOf(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export class Mutator {
  protected readonly random: Random;
  protected readonly pool: Bytes[];
  protected readonly snippets: readonly Bytes[];
  readonly #seeds: number;
  readonly #ways: readonly ((data: Bytes) => Bytes)[] = [
    (data) => {
      const at = this.#at(data);
      return this.#put(data, at, Uint8Array.of((data[at] ?? 0) ^ (1 << (this.random() * 8))), 1);
    },
    (data) => this.#put(data, this.#at(data), this.#byte(), 1),
    (data) => this.#put(data, this.#at(data), new Uint8Array(), this.#few()),
    (data) => this.#put(data, this.#at(data), new Uint8Array(this.#few()).fill(this.#byte()[0] ?? 0), 0),
    (data) => {
      const other = this.pick(this.pool);
      return join(data.subarray(0, this.#at(data)), other.subarray(this.#at(other)));
    },
    // An edge in place of as many bytes: where a length or a number stands it is a lie about it.
    (data) => {
      const edge = this.pick(EDGES);
      return this.#put(data, this.#at(data), edge, edge.length);
    },
    (data) => {
      const at = this.#at(data);
      const run = data.subarray(at, at + this.#few());
      return join(
        data.subarray(0, at),
        ...new Array(Math.floor(2 ** (this.random() * 6))).fill(run),
        data.subarray(at),
      );
    },
    (data) => data.subarray(0, this.#at(data)),
    (data) => this.#put(data, this.#at(data), this.pick(this.snippets), 1),
    (data) => this.#put(data, this.#at(data), this.pick(this.snippets), 1),
    (data) => this.#put(data, this.#at(data), this.pick(this.snippets), 0),
    (data) => {
      const at = this.#at(data);
      const run = data.subarray(at, at + this.#few());
      const rest = join(data.subarray(0, at), data.subarray(at + run.length));
      return this.#put(rest, this.#at(rest), run, 0);
    },
  ];

  /** `snippets` are whole values that may stand in place of a byte, or between two. */
  constructor(corpus: readonly Bytes[], seed: number, snippets: readonly Bytes[] = EDGES) {
    if (!corpus.length) throw new RangeError("a mutator needs something to mutate: the corpus is empty");
    this.random = seeded(seed);
    this.pool = [...corpus];
    this.snippets = snippets;
    this.#seeds = corpus.length;
  }

  /** The next one. */
  mutant(): Bytes {
    let made = this.pick(this.pool);
    do {
      made = this.pick(this.#ways)(made);
    } while (this.random() > 0.6);
    // A copy: a decoder that changes its input must not change the pool.
    return made.slice(0, LONGEST);
  }

  /** It was accepted, so its mutants get deeper than those of garbage. */
  learn(accepted: Bytes): void {
    if (accepted.length > LEARNED) return;
    const place = this.pool.length < this.#seeds + LEARNED ? this.pool.length : this.#seeds + this.random() * LEARNED;
    this.pool[Math.floor(place)] = accepted;
  }

  protected pick<Item>(from: readonly Item[]): Item {
    return from[Math.floor(this.random() * from.length)] as Item;
  }

  #put(data: Bytes, at: number, added: Bytes, removed: number): Bytes {
    return join(data.subarray(0, at), added, data.subarray(at + removed));
  }

  #at(data: Bytes): number {
    return Math.floor(this.random() * (data.length + 1));
  }

  #byte(): Bytes {
    return Uint8Array.of(this.random() < 0.5 ? this.random() * 256 : this.pick([...TELLING]));
  }

  #few(): number {
    return Math.floor(2 ** (this.random() * 5));
  }
}

/** Mutants of texts such as JSON: mostly their tokens change places, so that more of them can still be read. */
export class TokenMutator extends Mutator {
  readonly #tokens = new Map<Bytes, readonly string[]>();
  readonly #texts: readonly string[];

  constructor(corpus: readonly Bytes[], seed: number, snippets: readonly Bytes[]) {
    super(corpus, seed, snippets);
    this.#texts = snippets.map(latin1);
  }

  override mutant(): Bytes {
    if (this.random() < 0.3) return super.mutant();
    const tokens = [...this.#tokensOf(this.pick(this.pool))];
    do {
      this.#change(tokens);
    } while (tokens.length && this.random() > 0.6);
    return bytesOf(tokens.join("").slice(0, LONGEST));
  }

  #tokensOf(data: Bytes): readonly string[] {
    let tokens = this.#tokens.get(data);
    if (!tokens) {
      if (this.#tokens.size > 4 * LEARNED) this.#tokens.clear();
      tokens = latin1(data).match(TOKEN) ?? [];
      this.#tokens.set(data, tokens);
    }
    return tokens;
  }

  #change(tokens: string[]): void {
    const at = Math.floor(this.random() * tokens.length);
    const other = Math.floor(this.random() * tokens.length);
    const [here = "", there = ""] = [tokens[at], tokens[other]];
    switch (Math.floor(this.random() * 7)) {
      case 3:
        tokens[at] = there;
        tokens[other] = here;
        break;
      case 4:
        tokens[at] = there;
        break;
      case 5:
        tokens.splice(at, 1);
        break;
      case 6:
        tokens.splice(at, 0, ...tokens.slice(Math.min(at, other), Math.max(at, other) + 1));
        break;
      default:
        tokens[at] = this.pick(this.#texts);
    }
  }
}

function latin1(data: Bytes): string {
  return Buffer.from(data.buffer, data.byteOffset, data.length).toString("latin1");
}

function join(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
