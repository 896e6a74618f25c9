/** Randomness: for jitter, and for secrets. */

export interface Random {
  /** A number from 0 to 1. */
  number(): number;

  /** 256 random bits as base64: a key that nobody can guess. */
  key(): string;
}

export class SystemRandom implements Random {
  number(): number {
    return Math.random();
  }

  key(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    return btoa(String.fromCharCode(...bytes));
  }
}
