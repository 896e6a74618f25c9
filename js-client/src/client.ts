/** One client: a session, the transports under it, and the namespaces of the application. */
import { Backoff } from "./backoff.js";
import { Connector, type Link, type Port } from "./connector.js";
import { fresh } from "./credentials.js";
import { Listeners, type Unsubscribe } from "./emitter.js";
import { ConnectionClosed, LocalProtocolError } from "./errors.js";
import { Namespace } from "./namespace.js";
import { type Clock, SystemClock } from "./platform/clock.js";
import { type Lifecycle, type Moment, PageLifecycle } from "./platform/lifecycle.js";
import { type Random, SystemRandom } from "./platform/random.js";
import { pageRemembers, type Remember } from "./platform/storage.js";
import { ClientSession } from "./protocol/client_session.js";
import { MsgpackCodec } from "./protocol/forms.js";
import { NEVER } from "./protocol/never.js";
import { obtain } from "./protocol/obtain.js";
import { CALL, RENEW } from "./protocol/packets.js";
import type { Home } from "./sender.js";
import type { Ear } from "./transports/base.js";
import { HttpPort } from "./transports/http.js";
import { type SocketConstructor, WebSocketPort } from "./transports/websocket.js";
import type {
  AnyHeard,
  AnySaid,
  Auth,
  ClientOptions,
  ConnectionState,
  Events,
  Loss,
  NamespaceOptions,
  StateChange,
  TransportKind,
} from "./types.js";

// A page that nobody looks at comes back so many times slower.
const HIDDEN = 4;
// A network that is back serves many tabs at once.
const ONLINE_WITHIN = 0.5;

/** The edges of the client: handed in, so that tests need neither a browser nor patience. */
export interface Platform {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  readonly random: Random;
  readonly remember: Remember;
}

export class Client {
  readonly #session: ClientSession;
  readonly #connector: Connector<TransportKind>;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #platform: Platform;
  readonly #backoff: Backoff;
  readonly #url: string;
  readonly #home: Omit<Home, "outgoing">;
  readonly #onState = new Listeners<readonly [StateChange]>();
  readonly #onLoss = new Listeners<readonly [Loss]>();
  readonly #onError = new Listeners<readonly [unknown]>();
  #auth: Auth;
  #unlisten: Unsubscribe = () => {};
  #cancelTimer: Unsubscribe = () => {};
  #state: ConnectionState = "connecting";
  #transport: TransportKind | null = null;
  #greeted = false;
  #scheduled = false;
  #busy = false;

  /** Begins to connect. Throws LocalProtocolError where no transport is possible. */
  constructor(options: ClientOptions = {}, platform: Partial<Platform> = {}) {
    const { clock = new SystemClock(), lifecycle = new PageLifecycle(), random = new SystemRandom() } = platform;
    const { remember = pageRemembers } = platform;
    this.#platform = { clock, lifecycle, random, remember };
    const url = absolute(options.url);
    this.#url = url;
    this.#auth = options.auth;
    const session = new ClientSession(random.key(), {
      codec: options.codec ?? new MsgpackCodec(),
      outbox: { packets: 1024, size: 4 << 20, ...options.outbox },
      wake: this.#soon,
      deliver: (packet) => {
        const [type] = packet;
        // Of what is about no namespace, nothing is called like one.
        this.#namespaces.get(packet[type === CALL ? 2 : 1] as string)?._deliver(packet);
        if (type === RENEW) this.renew().catch(this.#report);
      },
    });
    this.#session = session;
    const WebSocket = options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor | undefined);
    const http = (streams: boolean) => (ear: Ear) =>
      new HttpPort(options.fetch ?? fetch, url, clock, session, ear, streams);
    const transports: Record<TransportKind, false | undefined | ((ear: Ear) => Port)> = {
      websocket: WebSocket && ((ear) => new WebSocketPort(WebSocket, url.replace("http", "ws"), clock, ear)),
      sse: http(true),
      longpoll: http(false),
    };
    const { transports: wished = Object.keys(transports) as TransportKind[] } = options;
    const kinds = wished.filter((kind) => transports[kind]);
    if (!kinds.length) throw new LocalProtocolError("no transport: hand in a WebSocket or allow longpoll");
    this.#backoff = new Backoff(options.backoff, () => random.number());
    const connector = new Connector<TransportKind>(session, {
      ask: (link) => this.#ask(link),
      open: (kind, link) => (transports[kind] as (ear: Ear) => Port)(this.#listenTo(link)),
      kinds,
      backoff: this.#backoff,
    });
    this.#connector = connector;
    this.#home = { client: this, session, report: this.#report, now: () => clock.now(), soon: this.#soon };
    this.#unlisten = lifecycle.listen((moment) => this.#step((now) => this.#experience(moment, now)));
    this.#step((now) => this.#connector.start(now, remember(url)));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The transport in use; null while there is none. */
  get transport(): TransportKind | null {
    return this.#transport;
  }

  /** Whether it said goodbye, and is not over yet. */
  get parting(): boolean {
    return this.#session.parting;
  }

  /** Ask to be let into a namespace; the same object for the same name. */
  namespace<Heard extends Events<Heard> = AnyHeard, Said extends Events<Said> = AnySaid>(
    name = "/",
    { auth }: NamespaceOptions = {},
  ): Namespace<Heard, Said> {
    const { ending, parting } = this.#session;
    if (ending || parting) throw new ConnectionClosed(ending?.code ?? "closed", "make a new client");
    const namespace = obtain(
      this.#namespaces,
      name,
      () => new Namespace({ ...this.#home, outgoing: new Listeners() }, name),
    );
    namespace._join(auth);
    // Which events it has is the application's word for it; the wire knows no types.
    return namespace as unknown as Namespace<Heard, Said>;
  }

  /**
   * Send fresh credentials now, before the server asks: `auth`, which is what the client has from now on, or else what
   * its `auth` gives. While there is no transport nothing is sent, since the next attach brings them.
   *
   * Rejects with what a function throws, and with ConnectionClosed when all is over.
   */
  async renew(auth: Auth = this.#auth): Promise<void> {
    const session = this.#session;
    this.#auth = auth;
    const packet = [RENEW, await fresh(auth)] as const;
    if (session.carried || session.ending) session.send(packet);
  }

  /** Try now instead of after the backoff: somebody knows that the network is back. What the server said counts. */
  retry(): void {
    this.#step((now) => this.#connector.hurry(now));
  }

  /** Say goodbye; resolves when everything sent was acked, after 2 s at most. */
  close(): Promise<void> {
    this.#step((now) => {
      // Without a transport nobody can be told that the session is over, only that it need not be kept for long.
      if (!this.#session.carried) this.#sayLeave();
      this.#connector.close(now);
    });
    return new Promise((resolve) => {
      this.onState(({ state }) => state === "closed" && resolve());
      if (this.#state === "closed") resolve();
    });
  }

  /** Be told when the state or the transport changes. */
  onState(told: (change: StateChange) => void): Unsubscribe {
    return this.#onState.add(told);
  }

  /** Be told when a session is lost, with what is unconfirmed. */
  onLoss(told: (loss: Loss) => void): Unsubscribe {
    return this.#onLoss.add(told);
  }

  /** Be told of exceptions in handlers; without a listener they are reported as uncaught ones are. */
  onError(told: (error: unknown) => void): Unsubscribe {
    return this.#onError.add(told);
  }

  // -- transports ----------------------------------------------------------------------------------------------------

  #listenTo(link: Link<TransportKind>): Ear {
    const connector = this.#connector;
    return {
      opened: () => this.#step((now) => connector.opened(link, now)),
      received: (message) => this.#step((now) => connector.received(link, message, now)),
      drained: this.#soon,
      lost: (code, reason) => this.#step((now) => connector.lost(link, now, code, reason)),
    };
  }

  /** Hello wants fresh credentials, which may take a while. */
  async #ask(link: Link<TransportKind>): Promise<void> {
    try {
      const waits = [...this.#namespaces.values()].map((namespace) => namespace._refresh());
      // Where nothing has to be waited for, the transport opens at once.
      const [auth] = this.#auth || waits.length ? await Promise.all([fresh(this.#auth), ...waits]) : [];
      this.#step((now) => this.#connector.authorized(link, auth, now));
    } catch (error) {
      // The application's own function threw. Perhaps what it asks cannot be reached either.
      this.#report(error);
      this.#step((now) => this.#connector.lost(link, now, 0, "auth"));
    }
  }

  // -- the page ------------------------------------------------------------------------------------------------------

  #experience(moment: Moment, now: number): void {
    const connector = this.#connector;
    const within = this.#platform.random.number() * ONLINE_WITHIN;
    switch (moment) {
      case "offline":
        connector.offline(now);
        break;
      case "online":
      case "pageshow":
        connector.online(now, within);
        break;
      case "hidden":
        this.#backoff.slower = HIDDEN;
        break;
      case "visible":
        this.#backoff.slower = 1;
        connector.hurry(now, within);
        break;
      case "pagehide":
        connector.flush(now);
        this.#sayLeave();
        connector.offline(now);
    }
  }

  #sayLeave(): void {
    const { sid, attempt } = this.#session;
    if (sid !== null) {
      // biome-ignore lint/complexity/useLiteralKeys: the single-file build shortens it unless it is quoted.
      const text = JSON.stringify({ ["session"]: sid, key: this.#session.key(), attempt });
      this.#platform.lifecycle.beacon(`${this.#url}/leave`, text);
    }
  }

  // -- one step after the other --------------------------------------------------------------------------------------

  /** Write at the end of this turn: what is emitted until then leaves in one message. */
  readonly #soon = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#step((now) => this.#connector.flush(now));
    });
  };

  /** Let the core do something, then tell the application what came of it. Within a step it is only done. */
  #step(action: (now: number) => void): void {
    const { clock } = this.#platform;
    if (this.#busy) {
      action(clock.now());
      return;
    }
    this.#busy = true;
    try {
      action(clock.now());
      while (this.#tellLosses() || this.#tellState());
    } finally {
      // Whatever happened: a client without its timer would never notice anything again.
      this.#busy = false;
      this.#cancelTimer();
      const { due } = this.#connector;
      this.#cancelTimer =
        due < NEVER
          ? clock.after(Math.max(0, due - clock.now()), () => this.#step((now) => this.#connector.tick(now)))
          : () => {};
    }
  }

  #tellLosses(): boolean {
    const { stopped } = this.#connector;
    // The connector gave up, so what the session still promised cannot be kept; nobody is there to be told.
    if (stopped) this.#session.end(stopped.code, stopped.reason, null, false);
    const loss = this.#session.losses.shift();
    if (!loss) return false;
    for (const namespace of this.#namespaces.values()) namespace._disconnected(loss.reason, loss.detail);
    // Our own goodbye that left nothing behind is no loss.
    const silent = stopped?.code === "closed" && !loss.unconfirmed.length && !loss.unsent.length;
    if (!silent) this.#onLoss.tell(this.#report, loss);
    return true;
  }

  #tellState(): boolean {
    const { carrier, candidate, live, stopped, reason, resumed, retryAt } = this.#connector;
    const previous = this.#state;
    const state = stopped ? "closed" : carrier ? "connected" : candidate ? "connecting" : "waiting";
    // Whether a transport that is just taking over resumes the session, only its Welcome tells.
    const transport = live ? live.kind : carrier && this.#transport;
    if (state === previous && transport === this.#transport) return false;
    this.#state = state;
    this.#transport = transport;
    if (live) this.#platform.remember(this.#url, live.kind);
    const retryIn = state === "waiting" && retryAt < NEVER ? retryAt - this.#home.now() : null;
    const change = { state, previous, transport, reason: stopped?.code ?? reason, retryIn } as const;
    this.#onState.tell(this.#report, carrier && this.#greeted ? { ...change, resumed } : change);
    if (carrier) this.#greeted = true;
    if (stopped) this.#unlisten();
    return true;
  }

  /** An exception in a handler is the application's: it is told, and disturbs nothing here. */
  readonly #report = (error: unknown): void => {
    if (!this.#onError.tell(uncaught, error).length) uncaught(error);
  };
}

/**
 * Where the server is mounted, as an absolute address of http or https without a slash at its end.
 *
 * Throws TypeError for what is no address; outside of a page it has to be absolute.
 */
export function absolute(url = "/antiphon"): string {
  const { origin, pathname } = new URL(url, globalThis.location?.href);
  return (origin + pathname).replace(/^ws/, "http").replace(/\/$/, "");
}

function uncaught(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: Node has no reportError, and silence would be worse.
  (globalThis.reportError ?? console.error)(error);
}
