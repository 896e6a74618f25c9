/** One client: a session, the transports under it, and the namespaces of the application. */
import { Backoff } from "./backoff.js";
import { Connector, type Link, type Port } from "./connector.js";
import { Listeners, type Unsubscribe } from "./emitter.js";
import { ConnectionClosed, LocalProtocolError } from "./errors.js";
import { type Home, Namespace } from "./namespace.js";
import { type Clock, SystemClock } from "./platform/clock.js";
import { type Lifecycle, type Moment, PageLifecycle } from "./platform/lifecycle.js";
import { type Random, SystemRandom } from "./platform/random.js";
import { ClientSession } from "./protocol/client_session.js";
import { MsgpackCodec } from "./protocol/forms.js";
import { NEVER } from "./protocol/never.js";
import { obtain } from "./protocol/obtain.js";
import type { Ear } from "./transports/base.js";
import { HttpPort } from "./transports/polling.js";
import { type SocketConstructor, WebSocketPort } from "./transports/websocket.js";
import type {
  AnyHeard,
  AnySaid,
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
}

export class Client {
  readonly #session: ClientSession;
  readonly #connector: Connector<TransportKind>;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #options: ClientOptions;
  readonly #platform: Platform;
  readonly #backoff: Backoff;
  readonly #url: string;
  readonly #WebSocket: SocketConstructor | undefined;
  readonly #home: Home;
  readonly #onState = new Listeners<readonly [StateChange]>();
  readonly #onLoss = new Listeners<readonly [Loss]>();
  readonly #onError = new Listeners<readonly [unknown]>();
  #unlisten: Unsubscribe = () => {};
  #cancelTimer: Unsubscribe = () => {};
  #state: ConnectionState = "connecting";
  #transport: TransportKind | null = null;
  #greeted = false;
  #scheduled = false;
  #busy = false;

  /** Begins to connect. Throws LocalProtocolError where no transport is possible. */
  constructor(
    options: ClientOptions = {},
    { clock = new SystemClock(), lifecycle = new PageLifecycle(), random = new SystemRandom() }: Partial<Platform> = {},
  ) {
    this.#options = options;
    this.#platform = { clock, lifecycle, random };
    this.#url = absolute(options.url);
    this.#WebSocket = options.WebSocket ?? (globalThis.WebSocket as unknown as SocketConstructor | undefined);
    this.#session = new ClientSession(random.key(), {
      codec: options.codec ?? new MsgpackCodec(),
      outbox: { packets: 1024, size: 4 << 20, ...options.outbox },
      wake: this.#soon,
      deliver: (packet) => {
        if ("namespace" in packet) this.#namespaces.get(packet.namespace)?._deliver(packet);
      },
    });
    const kinds = (options.transports ?? ["websocket", "longpoll"]).filter(
      (kind) => kind !== "websocket" || this.#WebSocket,
    );
    if (!kinds.length) throw new LocalProtocolError("no transport: hand in a WebSocket or allow longpoll");
    this.#backoff = new Backoff(options.backoff ?? {}, () => random.number());
    this.#connector = new Connector(this.#session, {
      open: (kind, link) => this.#open(kind, link),
      kinds,
      backoff: this.#backoff,
    });
    this.#home = {
      client: this,
      session: this.#session,
      report: this.#report,
      now: () => clock.now(),
      soon: this.#soon,
    };
    this.#unlisten = lifecycle.listen((moment) => this.#step((now) => this.#experience(moment, now)));
    this.#step((now) => this.#connector.start(now));
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
    const { ending } = this.#session;
    if (ending) throw new ConnectionClosed(ending.code, "make a new client");
    const namespace = obtain(this.#namespaces, name, () => new Namespace(this.#home, name));
    namespace._join(auth);
    // Which events it has is the application's word for it; the wire knows no types.
    return namespace as unknown as Namespace<Heard, Said>;
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

  #open(kind: TransportKind, link: Link<TransportKind>): Port {
    const connector = this.#connector;
    const { clock } = this.#platform;
    const ear: Ear = {
      opened: () => this.#opened(link),
      received: (message) => this.#step((now) => connector.received(link, message, now)),
      drained: this.#soon,
      lost: (code, reason) => this.#step((now) => connector.lost(link, now, code, reason)),
    };
    return kind === "websocket" && this.#WebSocket
      ? new WebSocketPort(this.#WebSocket, this.#url.replace("http", "ws"), clock, ear)
      : new HttpPort(this.#options.fetch ?? fetch, this.#url, clock, this.#session, ear);
  }

  /** The transport is open; Hello wants fresh credentials, which may take a while. */
  async #opened(link: Link<TransportKind>): Promise<void> {
    try {
      const namespaces = [...this.#namespaces.values()];
      await Promise.all(namespaces.map((namespace) => namespace._refresh()));
      this.#step((now) => this.#connector.opened(link, now));
    } catch (error) {
      // The application's own function threw.
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
        connector.online(now, within);
        break;
      case "hidden":
        this.#backoff.slower = HIDDEN;
        break;
      case "visible":
        this.#backoff.slower = 1;
        connector.hurry(now, within);
        break;
      case "leave":
        connector.flush(now);
        this.#sayLeave();
        connector.offline(now);
        break;
      case "back":
        connector.online(now);
    }
  }

  #sayLeave(): void {
    const { sid, key, attempt } = this.#session;
    if (sid !== null) {
      this.#platform.lifecycle.beacon(`${this.#url}/leave`, JSON.stringify({ session: sid, key, attempt }));
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
    for (const namespace of this.#namespaces.values()) namespace._disconnected(loss.reason);
    // Our own goodbye that left nothing behind is no loss.
    const silent = stopped?.code === "closed" && !loss.unconfirmed.length && !loss.unsent.length;
    if (!silent) this.#onLoss.tell(this.#report, loss);
    return true;
  }

  #tellState(): boolean {
    const { carrier, candidate, live, stopped, reason, resumed } = this.#connector;
    const previous = this.#state;
    const state = stopped ? "closed" : carrier ? "connected" : candidate ? "connecting" : "waiting";
    // Whether a transport that is just taking over resumes the session, only its Welcome tells.
    const transport = live ? live.kind : carrier && this.#transport;
    if (state === previous && transport === this.#transport) return false;
    this.#state = state;
    this.#transport = transport;
    const change = { state, previous, transport, reason: stopped?.code ?? reason } as const;
    this.#onState.tell(this.#report, carrier && this.#greeted ? { ...change, resumed } : change);
    if (carrier) this.#greeted = true;
    if (stopped) this.#unlisten();
    return true;
  }

  /** An exception in a handler is the application's: it is told, and disturbs nothing here. */
  readonly #report = (error: unknown): void => {
    if (this.#onError.size) {
      this.#onError.tell(uncaught, error);
    } else {
      uncaught(error);
    }
  };
}

/**
 * Where the server is mounted, as an absolute address of http or https without a slash at its end.
 *
 * Throws TypeError for what is no address; outside of a page it has to be absolute.
 */
export function absolute(url = "/antiphon"): string {
  const page = globalThis.location?.href;
  const { protocol, host, pathname } = new URL(url, page);
  return `${protocol.replace("ws", "http")}//${host}${pathname.replace(/\/$/, "")}`;
}

function uncaught(error: unknown): void {
  if (typeof reportError === "function") {
    reportError(error);
  } else {
    // biome-ignore lint/suspicious/noConsole: Node has no reportError, and silence would be worse.
    console.error(error);
  }
}
