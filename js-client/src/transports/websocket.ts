/** A WebSocket as a transport. The constructor is handed in: browsers have one, Node 20 does not. */
import type { Port } from "../connector.js";
import type { Clock } from "../platform/clock.js";
import type { Data } from "../protocol/codec.js";
import type { Ear } from "./base.js";

/** What is used of a WebSocket. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: never }) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: Data): void;
  close(): void;
}

export type SocketConstructor = new (url: string) => Socket;

// What waits here can no longer be replaced or dropped, so it is little.
const CONGESTED = 64 << 10;
// A WebSocket does not tell when its buffer is empty.
const LOOK_AGAIN = 0.05;

export class WebSocketPort implements Port {
  readonly single = false;
  readonly pings = true;
  readonly #clock: Clock;
  /** Until it is closed. */
  #ear: Ear | null;
  #socket: Socket | null = null;
  #looking = false;

  constructor(Constructor: SocketConstructor, url: string, clock: Clock, ear: Ear) {
    this.#ear = ear;
    this.#clock = clock;
    const lost = ({ code = 0, reason = "" }) => this.#ear?.lost(code, reason);
    try {
      const socket = new Constructor(url);
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => this.#ear?.opened();
      socket.onmessage = ({ data }: { data: ArrayBuffer | string }) =>
        this.#ear?.received(typeof data === "string" ? data : new Uint8Array(data));
      // In browsers a close follows an error; in Node 20 none does when the address was never reached.
      socket.onerror = () => lost({});
      socket.onclose = lost;
    } catch {
      // It throws at once where the page's policy forbids the address. Told later, for nobody knows this port yet.
      clock.after(0, () => lost({}));
    }
  }

  get congested(): boolean {
    return (this.#socket?.bufferedAmount ?? 0) > CONGESTED;
  }

  write(message: Data): void {
    if (!this.#ear) return;
    this.#socket?.send(message);
    this.#look();
  }

  close(): void {
    this.#ear = null;
    this.#socket?.close();
  }

  #look(): void {
    if (this.#looking || !this.congested) return;
    this.#looking = true;
    this.#clock.after(LOOK_AGAIN, () => {
      this.#looking = false;
      if (!this.#ear) return;
      if (this.congested) {
        this.#look();
      } else {
        this.#ear.drained();
      }
    });
  }
}
