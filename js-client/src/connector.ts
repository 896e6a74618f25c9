/**
 * Which transport to open when, and which of them speaks for the session. Pure: it is told the time and what happened.
 *
 * At most two links exist: the live one, and a candidate that is to replace it. A link goes through
 *
 *     asking    -> opening                the application gives fresh credentials, within 30 s
 *     opening   -> probing | greeting     open within 2 s (10 s when it is the last choice, or another link lives)
 *     probing   -> greeting               only beside a live link: a Ping came back, so both directions carry (rule 15)
 *     greeting  -> live                   Hello is said; Welcome within 10 s (3 s beside a live link, 4 s on a stream)
 *     live                                the session's packets go over it
 *     any       -> gone                   closed by us, or lost
 *
 * The kinds are in order of choice. When one fails the next is tried at once; when the last fails, backoff. While a
 * later kind lives, the better ones are tried beside it, one after another from the first, and the session moves over by
 * an attach like any other.
 */
import type { Backoff } from "./backoff.js";
import type { ClientSession } from "./protocol/client_session.js";
import { FENCED } from "./protocol/closing.js";
import type { Data } from "./protocol/codec.js";
import { NEVER } from "./protocol/never.js";
import { PING, PONG, REFUSE, type Refuse, WELCOME, type WelcomeFields } from "./protocol/packets.js";
import { toMilliseconds } from "./protocol/session.js";

const ASK_WAIT = 30;
const OPEN_WAIT = 2;
const LAST_WAIT = 10;
const PROBE_WAIT = 5;
const WELCOME_WAIT = 10;
const TAKEOVER_WAIT = 3;
// A proxy may keep back what it is sent until the answer is complete, and a stream never is.
const STREAM_WAIT = 4;
const UPGRADE_FIRST = 1;
const UPGRADE_MOST = 30;

// A Refuse with one of these will not change by itself.
const FINAL = /^(unauthorized|version)$/;
// With one of these the session is over, too: what waits was said by somebody who we are not any more, or may not be.
const OVER = /^(principal_changed|revoked|closed)$/;

/** One transport as the shell lends it. */
export interface Port {
  readonly congested: boolean;
  /** Whether it takes one message at a time. */
  readonly single: boolean;
  /** Whether the server pings it, so that silence means something. */
  readonly pings: boolean;

  /** Send one message; the first is a Ping or a Hello. */
  write(message: Data): void;

  /** The session is attached by it, and is called `sid` from now on. */
  welcomed?(sid: string): void;

  /** Close it; nothing is told of it any more. */
  close(): void;
}

export type Phase = "asking" | "opening" | "probing" | "greeting" | "live";

/** One transport on its way to carry the session. */
export interface Link<Kind extends string = string> {
  readonly kind: Kind;
  phase: Phase;
  until: number;
  since: number;
  /** Its Hello was said beside a live link. */
  takesOver: boolean;
  /** What its Hello proves who we are with. */
  auth?: unknown;
  /** Until it is being opened there is none yet. */
  port?: Port;
}

/** Why the connector does not try any more: `code`, and `reason` for humans. */
export interface Stopped {
  readonly code: string;
  readonly reason: string;
}

export interface ConnectorOptions<Kind extends string> {
  /** Have the application give credentials for one attach: `authorized` or `lost` is told, at once or later. */
  readonly ask: (link: Link<Kind>, now: number) => void;
  /** Begin to open a transport and return at once; what happens to it is told by `link`. */
  readonly open: (kind: Kind, link: Link<Kind>) => Port;
  readonly kinds: readonly Kind[];
  readonly backoff: Backoff;
}

/** Keeps one session attached for as long as it is started. The shell looks at `live` and `stopped` after each call. */
export class Connector<Kind extends string = string> {
  readonly session: ClientSession;
  live: Link<Kind> | null = null;
  candidate: Link<Kind> | null = null;
  stopped: Stopped | null = null;
  /** When to open a transport: the next one, or beside a live link a better one. */
  retryAt = NEVER;
  /** Why the last link was lost, and whether the last Welcome resumed the session. */
  reason = "";
  resumed = false;
  readonly #options: ConnectorOptions<Kind>;
  #choice = 0;
  /** The server does not want us back before. */
  #notBefore = 0;
  #upgradeWait = UPGRADE_FIRST;
  #offline = false;

  constructor(session: ClientSession, options: ConnectorOptions<Kind>) {
    this.session = session;
    this.#options = options;
  }

  /** The live link, or the one that is just taking over from it: then the old one may be fenced already. */
  get carrier(): Link<Kind> | null {
    return this.live ?? (this.candidate?.takesOver ? this.candidate : null);
  }

  // -- what the application wants ------------------------------------------------------------------------------------

  /** Attach, and stay attached; the kind that worked last comes first. */
  start(now: number, worked?: string): void {
    this.#choice = Math.max(0, (this.#options.kinds as readonly unknown[]).indexOf(worked));
    this.#open(now);
  }

  /** Close every link and try no more. */
  stop(code: string, reason = ""): void {
    this.stopped = { code, reason };
    this.retryAt = NEVER;
    this.#dropCandidate();
    this.live?.port?.close();
    this.live = null;
  }

  /** Say goodbye on the live link, if there is one, and stop. */
  close(now: number): void {
    this.session.close(now);
    if (this.session.ending) this.stop("closed");
  }

  /** The machine says that it has no network: waiting for a timeout would only lose time. */
  offline(now: number): void {
    this.#offline = true;
    this.#dropCandidate();
    if (this.live) this.#loseLive(now, "offline");
    this.retryAt = NEVER;
  }

  /** The network is back; come back within `delay` seconds. */
  online(now: number, delay = 0): void {
    this.#offline = false;
    this.hurry(now, delay);
  }

  /** There is a reason to believe that the next try succeeds: do not wait for longer than `delay` seconds. */
  hurry(now: number, delay = 0): void {
    if (!this.live && !this.candidate) this.#comeBack(Math.min(this.retryAt, now + delay));
  }

  // -- what the application says to each attach ----------------------------------------------------------------------

  /** These are the credentials: now the transport is opened. */
  authorized(link: Link<Kind>, auth: unknown, now: number): void {
    if (link !== this.candidate) return;
    const { kinds, open } = this.#options;
    link.auth = auth;
    link.phase = "opening";
    link.until = now + (this.live || link.kind === kinds.at(-1) ? LAST_WAIT : OPEN_WAIT);
    link.port = open(link.kind, link);
  }

  // -- what happens to links -----------------------------------------------------------------------------------------

  /** The transport is open. */
  opened(link: Link<Kind>, now: number): void {
    if (link !== this.candidate || link.phase !== "opening") return;
    if (this.live) {
      link.phase = "probing";
      link.until = now + PROBE_WAIT;
      link.port?.write(this.session.alone(0, [PING, toMilliseconds(now)]));
    } else {
      this.#greet(link, now);
    }
  }

  /** A message came. From a link that does not count any more it is not read (rule 18). */
  received(link: Link<Kind>, message: Data, now: number): void {
    if (link === this.live) {
      this.#heed(this.session.receive(message, now), now);
    } else if (link === this.candidate && link.phase !== "opening") {
      this.#answered(link, message, now);
    }
  }

  /** The transport ended by itself, or was closed by the peer with `code` and `reason`. */
  lost(link: Link<Kind>, now: number, code = 0, reason = ""): void {
    if (link === this.candidate) {
      this.#candidateFailed(now, reason || "unreachable");
    } else if (link === this.live) {
      if (code === FENCED && Number(reason) > this.session.attempt) {
        // An attempt that is not ours: somebody else holds our key (rule 2).
        this.stop("replaced", "by another client");
      } else {
        this.#loseLive(now, reason || "lost");
      }
    }
  }

  // -- time and writing ----------------------------------------------------------------------------------------------

  /** When to call `tick`. */
  get due(): number {
    return Math.min(this.candidate?.until ?? NEVER, this.retryAt, this.session.due);
  }

  /** Let time pass. */
  tick(now: number): void {
    const closing = this.session.tick(now);
    if (this.stopped) return;
    this.#heed(closing, now);
    if (this.candidate && now >= this.candidate.until) this.#candidateFailed(now, "timeout");
    if (now >= this.retryAt) this.#open(now);
  }

  /**
   * Write what may leave, and close the transport if there is a reason. Nothing is taken while the link is congested:
   * there it can still be replaced.
   */
  flush(now: number, closing: string | null = null): void {
    const { session } = this;
    const port = this.live?.port;
    session.outbox.dirty = false;
    if (!port) return;
    if (!port.congested) {
      for (const message of session.take(now, port.single)) port.write(message);
    }
    if (closing || !session.carried) this.#loseLive(now, closing ?? "lost");
  }

  // -- within --------------------------------------------------------------------------------------------------------

  /** Try the next kind, or a better one beside a link of a later kind: the first. */
  #open(now: number, choice = this.live ? 0 : this.#choice): void {
    this.retryAt = NEVER;
    if (this.candidate || this.#offline) return;
    const { kinds, ask } = this.#options;
    const kind = kinds[choice] as Kind;
    const link: Link<Kind> = { kind, phase: "asking", until: now + ASK_WAIT, since: 0, takesOver: false };
    this.candidate = link;
    ask(link, now);
  }

  #greet(link: Link<Kind>, now: number): void {
    link.phase = "greeting";
    link.takesOver = !!this.live;
    const waits = link.kind === "sse" && link.kind !== this.#options.kinds.at(-1) ? STREAM_WAIT : WELCOME_WAIT;
    link.until = now + (this.live ? TAKEOVER_WAIT : waits);
    link.port?.write(this.session.alone(0, this.session.greet(link.auth)));
  }

  #answered(link: Link<Kind>, message: Data, now: number): void {
    const probing = link.phase === "probing";
    // What cannot be read is no answer either.
    const packet = this.session.interpret(message).packets?.[0];
    if (packet?.[0] === PONG && probing) {
      this.#greet(link, now);
    } else if (packet?.[0] === WELCOME && !probing) {
      this.#welcomed(link, packet[1], now);
    } else if (packet?.[0] === REFUSE && !probing) {
      this.#refused(packet, now);
    } else {
      this.#candidateFailed(now, "protocol");
    }
  }

  #welcomed(link: Link<Kind>, welcome: WelcomeFields, now: number): void {
    const { port } = link;
    this.live?.port?.close();
    this.candidate = this.live = null;
    if (!this.session.welcomed(welcome, now, port?.pings)) {
      port?.close();
      this.#comeBack(now);
      return;
    }
    port?.welcomed?.(welcome.sid);
    link.phase = "live";
    link.since = now;
    this.live = link;
    this.resumed = welcome.resumed;
    this.reason = welcome.reason ?? "";
    this.#choice = this.#options.kinds.indexOf(link.kind);
    if (!this.#choice) this.#upgradeWait = UPGRADE_FIRST;
    this.retryAt = this.#choice ? now + this.#upgradeWait : NEVER;
    this.flush(now);
  }

  #refused([, code, reason, retryAfter, attempt]: Refuse, now: number): void {
    this.#dropCandidate();
    this.reason = code;
    if (code === "stale") {
      this.session.stale(attempt ?? 0);
      this.#comeBack(now);
    } else if (OVER.test(code) || (!this.live && FINAL.test(code))) {
      this.session.end(code, reason ?? "");
      // A living transport carries the goodbye.
      this.flush(now);
      this.stop(code, reason ?? "");
    } else {
      this.#notBefore = now + (retryAfter ?? 0) / 1000;
      this.#comeBack(now + (this.live ? UPGRADE_MOST : this.#options.backoff.next()));
    }
  }

  #candidateFailed(now: number, reason: string): void {
    const { kinds, backoff } = this.#options;
    const { kind, phase } = this.candidate as Link<Kind>;
    const next = kinds.indexOf(kind) + 1;
    this.#dropCandidate();
    this.reason = reason;
    // That the application has no credentials says nothing about the transport.
    if (phase !== "asking" && next < (this.live ? this.#choice : kinds.length)) {
      this.#open(now, next);
    } else if (this.live) {
      this.#upgradeWait = Math.min(this.#upgradeWait * 2, UPGRADE_MOST);
      this.#comeBack(now + this.#upgradeWait);
    } else {
      this.#choice = 0;
      this.#comeBack(now + backoff.next());
    }
  }

  /** The live link is gone; the session waits for another. */
  #loseLive(now: number, reason: string): void {
    const { session, candidate } = this;
    const { backoff } = this.#options;
    const { port, since } = this.live as Link<Kind>;
    this.live = null;
    this.reason = reason;
    this.retryAt = NEVER;
    port?.close();
    backoff.attachedFor(now - since);
    if (session.carried) session.detach();
    if (candidate?.phase === "probing" && !session.ending) {
      this.#greet(candidate, now);
    } else if (candidate?.phase !== "greeting" || session.ending) {
      // One that is not open yet may hang for long; what worked a moment ago comes first. After a goodbye nobody is to
      // be attached any more.
      this.#dropCandidate();
      this.#notBefore = now + session.retryAfter;
      session.retryAfter = 0;
      this.#comeBack(now + backoff.next());
    }
    // An attach that is under way goes on alone; no second one is started beside it (rule 15).
  }

  /** Close the transport if the session wants that, or has ended; its last words say why. */
  #heed(closing: string | null, now: number): void {
    if (closing || !this.session.carried) this.flush(now, closing);
  }

  #comeBack(at: number): void {
    const { ending } = this.session;
    if (ending) {
      this.stop(ending.code, ending.reason);
    } else if (!this.#offline && !this.stopped) {
      this.retryAt = Math.max(at, this.#notBefore);
    }
  }

  #dropCandidate(): void {
    this.candidate?.port?.close();
    this.candidate = null;
  }
}
