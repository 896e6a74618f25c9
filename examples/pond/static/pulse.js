/** The pulse of the server: a stream that is read while somebody wants to see it. */
import { find } from "/shared/element.js";

/* global antiphon -- the client, which the server serves. */

const SHOWN = 60;

export class PulseReader {
  #pond = null;
  #reading = null;
  #heard = [];
  #count = 0;
  /** Whether it is to be read, whenever it can. */
  #wanted = true;

  constructor() {
    find("pulse-toggle").addEventListener("click", () => {
      this.#wanted = this.#reading === null;
      if (this.#wanted) this.#read();
      else this.#reading.abort();
    });
  }

  /** A session began: read from now on, unless nobody wants to. */
  begin(pond) {
    this.#pond = pond;
    if (this.#wanted) this.#read();
  }

  /** Until it is stopped, or the session is over. */
  async #read() {
    const reading = new AbortController();
    this.#reading = reading;
    this.#show();
    try {
      for await (const pulse of this.#pond.with({ signal: reading.signal }).stream("pulse")) this.#beat(pulse);
    } catch (error) {
      // Stopped, or the session ended first. Anything else is a mistake.
      if (!reading.signal.aborted && !(error instanceof antiphon.AntiphonError)) throw error;
    } finally {
      if (this.#reading === reading) this.#reading = null;
      this.#show();
    }
  }

  #beat({ fish, heard, said, round_trip: trip }) {
    this.#count += 1;
    this.#heard = [...this.#heard, heard].slice(-SHOWN);
    find("pulse").dataset.count = this.#count;
    find("pulse-fish").textContent = fish;
    find("pulse-heard").textContent = heard.toFixed(0);
    find("pulse-said").textContent = said.toFixed(0);
    find("pulse-trip").textContent = trip === null ? "–" : trip < 10 ? trip.toFixed(1) : trip.toFixed(0);
    this.#draw();
  }

  #show() {
    const running = this.#reading !== null;
    find("pulse").dataset.running = running ? "yes" : "no";
    find("pulse-toggle").textContent = running ? "Stop" : "Start";
    find("pulse-toggle").setAttribute("aria-pressed", running);
  }

  /** The events heard, as a line. */
  #draw() {
    const canvas = find("pulse-line");
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0) return;
    const sharpness = devicePixelRatio;
    Object.assign(canvas, { width: width * sharpness, height: height * sharpness });
    const pen = canvas.getContext("2d");
    pen.scale(sharpness, sharpness);
    const { color: colour } = getComputedStyle(canvas);
    const highest = Math.max(20, ...this.#heard);
    const x = (index) => width - ((this.#heard.length - 1 - index) / (SHOWN - 1)) * width;
    const y = (value) => height - 3 - (value / highest) * (height - 8);
    pen.beginPath();
    this.#heard.forEach((value, index) => pen.lineTo(x(index), y(value)));
    Object.assign(pen, { strokeStyle: colour, lineWidth: 2, lineJoin: "round" });
    pen.stroke();
    pen.lineTo(width, height);
    pen.lineTo(x(0), height);
    Object.assign(pen, { fillStyle: colour, globalAlpha: 0.12 });
    pen.fill();
  }
}
