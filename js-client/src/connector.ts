/**
 * Which transport to open when, and which of them speaks for the session. Pure: it is told the time and what happened.
 *
 * At most two links exist: the live one, and a candidate that is to replace it. A link goes through
 *
 *     opening   -> probing | greeting     open within 2 s (10 s when it is the last choice, or another link lives)
 *     probing   -> greeting               only beside a live link: a Ping came back, so both directions carry (rule 15)
 *     greeting  -> live                   Hello is said; Welcome within 10 s (3 s beside a live link)
 *     live                                the session's packets go over it
 *     any       -> gone                   closed by us, or lost
 *
 * The kinds are in order of choice. When one fails the next is tried at once; when the last fails, backoff. While a
 * later kind lives, the first is tried beside it, and the session moves over by an attach like any other.
 */
import type { Backoff } from "./backoff.js";
import { RemoteProtocolError } from "./errors.js";
import type { ClientSession } from "./protocol/client_session.js";
import { FENCED } from "./protocol/closing.js";
import type { Data } from "./protocol/codec.js";
import { NEVER } from "./protocol/never.js";
import type { Packet, Refuse, Welcome } from "./protocol/packets.js";

const OPEN_WAIT = 2;
const LAST_WAIT = 10;
const PROBE_WAIT = 5;
const WELCOME_WAIT = 10;
const TAKEOVER_WAIT = 3;
const UPGRADE_FIRST = 1;
const UPGRADE_MOST = 30;

// A Refuse with one of these will not change by itself.
const FINAL: readonly string[] = ["unauthorized", "principal_changed", "version", "bad_hello"];

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

export type Phase = "opening" | "probing" | "greeting" | "live";

/** One transport on its way to carry the session. */
export class Link<Kind extends string = string> {
  readonly kind: Kind;
  phase: Phase = "opening";
  deadline: number;
  since = 0;
  /** Its Hello was said beside a live link. */
  takesOver = false;
  port: Port | null = null;

  constructor(kind: Kind, deadline: number) {
    this.kind = kind;
    this.deadline = deadline;
  }
}

/** Why the connector does not try any more: `code`, and `reason` for humans. */
export interface Stopped {
  readonly code: string;
  readonly reason: string;
}

export interface ConnectorOptions<Kind extends string> {
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
  stopped: Stopped | null = { code: "idle", reason: "" };
  retryAt = NEVER;
  /** Why the last link was lost, and whether the last Welcome resumed the session. */
  reason = "";
  resumed = false;
  readonly #options: ConnectorOptions<Kind>;
  #choice = 0;
  #upgradeAt = NEVER;
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

  /** Attach, and stay attached. */
  start(now: number): void {
    if (!this.stopped) return;
    this.stopped = null;
    this.#choice = 0;
    this.#try(now);
  }

  /** Close every link and try no more. */
  stop(code: string, reason = ""): void {
    this.stopped = { code, reason };
    this.retryAt = this.#upgradeAt = NEVER;
    this.#dropCandidate();
    this.#shut(this.live);
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

  // -- what happens to links -----------------------------------------------------------------------------------------

  /** The transport is open. */
  opened(link: Link<Kind>, now: number): void {
    if (link !== this.candidate || link.phase !== "opening") return;
    if (this.live) {
      link.phase = "probing";
      link.deadline = now + PROBE_WAIT;
      link.port?.write(this.#alone({ kind: "ping", time: Math.round(now * 1000) }));
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
    return Math.min(this.candidate?.deadline ?? NEVER, this.retryAt, this.#upgradeAt, this.session.due);
  }

  /** Let time pass. */
  tick(now: number): void {
    const closing = this.session.tick(now);
    if (this.stopped) return;
    this.#heed(closing, now);
    if (this.candidate && now >= this.candidate.deadline) this.#candidateFailed(now, "timeout");
    if (now >= this.retryAt) this.#try(now);
    if (now >= this.#upgradeAt && !this.candidate && this.live) {
      this.#upgradeAt = NEVER;
      this.#open(0, now, LAST_WAIT);
    }
  }

  /** Write what may leave. Nothing is taken while the link is congested: there it can still be replaced. */
  flush(now: number): void {
    const { session } = this;
    const port = this.live?.port;
    if (!port) {
      session.outbox.dirty = false;
      return;
    }
    if (port.congested) {
      session.outbox.dirty = false;
    } else {
      for (const message of session.take(now, port.single)) port.write(message);
    }
    if (!session.carried) this.#loseLive(now, "lost");
  }

  // -- within --------------------------------------------------------------------------------------------------------

  #try(now: number): void {
    this.retryAt = NEVER;
    if (this.candidate || this.live || this.#offline) return;
    this.#open(this.#choice, now, this.#choice < this.#options.kinds.length - 1 ? OPEN_WAIT : LAST_WAIT);
  }

  #open(choice: number, now: number, wait: number): void {
    const kind = this.#options.kinds[choice] as Kind;
    const link = new Link(kind, now + wait);
    this.candidate = link;
    link.port = this.#options.open(kind, link);
  }

  #greet(link: Link<Kind>, now: number): void {
    link.phase = "greeting";
    link.takesOver = this.live !== null;
    link.deadline = now + (this.live ? TAKEOVER_WAIT : WELCOME_WAIT);
    link.port?.write(this.#alone(this.session.greet()));
  }

  #alone(packet: Packet): Data {
    const { codec } = this.session;
    return codec.pack(0, 0, [codec.encode(packet)]);
  }

  #answered(link: Link<Kind>, message: Data, now: number): void {
    let packet: Packet | undefined;
    try {
      packet = this.session.codec.decode(message).packets[0];
    } catch (error) {
      // What cannot be read is no answer either.
      if (!(error instanceof RemoteProtocolError)) throw error;
    }
    if (packet?.kind === "pong" && link.phase === "probing") {
      this.#greet(link, now);
    } else if (packet?.kind === "welcome" && link.phase === "greeting") {
      this.#welcomed(link, packet, now);
    } else if (packet?.kind === "refuse" && link.phase === "greeting") {
      this.#refused(packet, now);
    } else {
      this.#candidateFailed(now, "protocol");
    }
  }

  #welcomed(link: Link<Kind>, welcome: Welcome, now: number): void {
    const { live } = this;
    this.candidate = this.live = null;
    this.#shut(live);
    if (!this.session.welcomed(welcome, now, link.port?.pings)) {
      this.#shut(link);
      this.#comeBack(now);
      return;
    }
    link.port?.welcomed?.(welcome.sid);
    link.phase = "live";
    link.since = now;
    this.live = link;
    this.resumed = welcome.resumed;
    this.reason = welcome.reason ?? "";
    this.#choice = this.#options.kinds.indexOf(link.kind);
    if (this.#choice) {
      this.#upgradeAt = now + this.#upgradeWait;
    } else {
      this.#upgradeAt = NEVER;
      this.#upgradeWait = UPGRADE_FIRST;
    }
    this.flush(now);
  }

  #refused({ code, reason, retryAfter, attempt }: Refuse, now: number): void {
    const wait = (retryAfter ?? 0) / 1000;
    const stale = code === "stale";
    this.#dropCandidate();
    this.reason = code;
    if (stale) this.session.stale(attempt ?? 0);
    if (this.live) {
      this.#upgradeAt = now + (stale ? 0 : Math.max(UPGRADE_MOST, wait));
    } else if (FINAL.includes(code)) {
      this.stop(code, reason);
    } else {
      this.#comeBack(now + (stale ? 0 : Math.max(this.#options.backoff.next(), wait)));
    }
  }

  #candidateFailed(now: number, reason: string): void {
    this.#dropCandidate();
    if (this.live) {
      this.#upgradeWait = Math.min(this.#upgradeWait * 2, UPGRADE_MOST);
      this.#upgradeAt = now + this.#upgradeWait;
      return;
    }
    this.reason = reason;
    if (this.#choice < this.#options.kinds.length - 1) {
      this.#choice++;
      this.#try(now);
    } else {
      this.#choice = 0;
      this.#comeBack(now + this.#options.backoff.next());
    }
  }

  /** The live link is gone; the session waits for another. */
  #loseLive(now: number, reason: string): void {
    const link = this.live as Link<Kind>;
    this.live = null;
    this.reason = reason;
    this.#shut(link);
    this.#options.backoff.attachedFor(now - link.since);
    this.#upgradeAt = NEVER;
    if (this.session.carried) this.session.detach();
    // A goodbye was under way: nobody is to be attached any more.
    if (this.session.ending) this.#dropCandidate();
    this.#continue(now);
  }

  /** Close the transport if the session wants that, or has ended; its last words say why. */
  #heed(closing: string | null, now: number): void {
    if (closing || !this.session.carried) this.flush(now);
    if (this.live && (closing || !this.session.carried)) this.#loseLive(now, closing ?? "lost");
  }

  #continue(now: number): void {
    const link = this.candidate;
    if (link?.phase === "probing") {
      this.#greet(link, now);
    } else if (link?.phase !== "greeting") {
      // One that is not open yet may hang for long; what worked a moment ago comes first.
      this.#dropCandidate();
      this.#comeBack(now + Math.max(this.#options.backoff.next(), this.session.retryAfter));
      this.session.retryAfter = 0;
    }
    // An attach that is under way goes on alone; no second one is started beside it (rule 15).
  }

  #comeBack(at: number): void {
    const { ending } = this.session;
    if (ending) {
      this.stop(ending.code, ending.reason);
    } else if (!this.#offline && !this.stopped) {
      this.retryAt = at;
    }
  }

  #dropCandidate(): void {
    const link = this.candidate;
    this.candidate = null;
    this.#shut(link);
  }

  #shut(link: Link<Kind> | null): void {
    link?.port?.close();
  }
}
