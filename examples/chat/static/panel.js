/** The network panel: it breaks the network below the client, and shows what became of the messages. */
import { find } from "/shared/element.js";

/* global network -- made by network.js, which is loaded first. */

const HINTS = {
  ok: "The client knows nothing of this switch: it breaks WebSocket, fetch and sendBeacon underneath it.",
  cut: "Every connection was closed, and new ones fail. Go on writing.",
  stall: "Nothing passes, and nobody is told: the connection still looks open. The heartbeat finds out within 10 s.",
  "no-websocket": "WebSockets are closed and refused, as by some proxies. The client goes on over HTTP, and tries again.",
};
const BRIEFLY = 3000;

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

export class Panel {
  #tally;
  #connected = false;
  #heard = true;
  #drawing = false;
  #timer = 0;

  constructor(tally) {
    this.#tally = tally;
    network.watch({
      changed: (mode) => this.#switched(mode),
      arrived: () => {
        this.#heard = true;
        // A handler of the client is told of it in the same turn, and its state changes there.
        queueMicrotask(() => this.#look());
      },
    });
    find("network-mode").addEventListener("change", ({ target }) => network.set(target.value));
    find("cut-briefly").addEventListener("click", () => {
      network.set("cut");
      this.#timer = setTimeout(() => network.set("ok"), BRIEFLY);
    });
    this.#switched(network.mode);
  }

  /** The client's state changed. */
  stateChanged({ state, previous }) {
    this.#connected = state === "connected";
    if (previous === "connected" && !this.#connected) this.#tally.break(Date.now());
    this.#look();
  }

  /** Draw what the tally has become, once per frame. */
  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #switched(mode) {
    clearTimeout(this.#timer);
    document.body.dataset.network = mode;
    find("network-mode").querySelector(`[value="${mode}"]`).checked = true;
    find("network-hint").textContent = HINTS[mode];
    find("cut-briefly").disabled = mode !== "ok";
    if (mode === "cut" || mode === "stall") {
      this.#heard = false;
      this.#tally.break(Date.now());
    }
    this.draw();
  }

  /** A cut is over when the client is connected and something has come since: a stalled client believes in it too. */
  #look() {
    const broken = network.mode === "cut" || network.mode === "stall";
    if (!broken && this.#connected && this.#heard) this.#tally.mend(Date.now());
    this.draw();
  }

  #draw() {
    const { sent, received, missing, twice, disordered, waiting, cuts, cut, verdict } = this.#tally;
    const counters = { sent, received, missing, twice, disordered, cuts, waiting: waiting.size };
    for (const [name, value] of Object.entries(counters)) find(`count-${name}`).textContent = value;
    for (const name of ["missing", "twice", "disordered"]) find(`count-${name}`).classList.toggle("bad", counters[name]);

    const line = find("verdict");
    if (cut === null) return;
    Object.assign(line.dataset, verdict, { seconds: cut.until === null ? "" : (cut.until - cut.since) / 1000 });
    line.classList.toggle("bad", verdict.missing + verdict.twice + verdict.disordered > 0);
    line.classList.toggle("good", cut.until !== null);
    line.textContent =
      cut.until === null
        ? `Cut since ${new Date(cut.since).toLocaleTimeString()}: ${count(waiting.size, "message waits", "messages wait")} here.`
        : `Last cut: ${((cut.until - cut.since) / 1000).toFixed(1)} s. ` +
          `${count(verdict.late, "message", "messages")} arrived afterwards: ${verdict.missing} missing, ` +
          `${verdict.twice} twice, ${verdict.disordered ? `${verdict.disordered} out of order` : "in order"}.`;
  }
}
