/** The messages of one room, as they are shown: what came from the server, and behind it what still waits here. */
import { avatar, element, tinted } from "/shared/element.js";

const MOST = 1000;
// Messages of one person that follow each other so closely share a head.
const TOGETHER = 180_000;
const NEAR = 48;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class RoomLog {
  /** Whether the newest message is in sight, and should stay there. */
  atEnd = true;
  onScroll = () => {};
  /** By ref, oldest first: { draft, item, failed }. */
  #waiting = new Map();
  #onAgain;
  #last = null;
  #caption = null;
  #counting = new Set();
  #scrolling = false;

  /** `onAgain(draft)` is called when a message that failed shall be sent again. */
  constructor(room, onAgain) {
    this.#onAgain = onAgain;
    this.element = element("ol", {
      class: "log",
      role: "log",
      tabindex: "0",
      "aria-label": `Messages in ${room}`,
      data: { room },
      hidden: true,
    });
    this.element.addEventListener("scroll", () => {
      const { scrollTop, scrollHeight, clientHeight } = this.element;
      this.atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
      this.onScroll();
    });
    new ResizeObserver(() => this.#follow()).observe(this.element);
  }

  /** A message came from the server. `late`: a cut had kept it. */
  add(message, { own = false, late = false } = {}) {
    if (this.#waiting.has(message.ref)) this.#takeBack(message.ref);
    const { author, at, number } = message;
    const last = this.#last;
    const together = last?.author === author && !last.number && at - last.at < TOGETHER;
    if (number) this.#count(own ? "you" : author, number);
    this.#put(bubble(message, { own, late, together }));
    this.#last = message;
  }

  /** An own message is on its way. */
  wait(draft) {
    const item = bubble(draft, { own: true, together: true });
    this.#waiting.set(draft.ref, { draft, item, failed: false });
    this.element.append(item);
    this.scrollToEnd();
  }

  /** An own message will not arrive by itself. */
  fail(ref, why) {
    const waiting = this.#waiting.get(ref);
    if (waiting === undefined || waiting.failed) return;
    const { draft, item } = waiting;
    waiting.failed = true;
    const again = () => {
      item.remove();
      this.#waiting.delete(ref);
      this.#onAgain(draft);
    };
    item.classList.add("failed");
    const button = element("button", { type: "button", class: "plain", title: why, onclick: again }, "Send again");
    item.append(element("span", { class: "why" }, draft.number ? "" : `${why} `, button));
    this.#follow();
  }

  /** A remark of the page, between the messages. */
  note(text, kind = "") {
    this.#last = null;
    this.#put(element("li", { class: `note ${kind}` }, text));
  }

  show() {
    this.element.hidden = false;
    this.#follow();
  }

  scrollToEnd() {
    this.atEnd = true;
    this.#follow();
  }

  /** A number stands in a row with those before it; above the row it says who counts. */
  #count(name, number) {
    if (!this.#last?.number || (number === 1 && this.#counting.has(name))) {
      this.#counting = new Set();
      this.#caption = element("li", { class: "caption" });
      this.#put(this.#caption);
    }
    this.#counting.add(name);
    this.#caption.textContent = `Counting: ${[...this.#counting].join(", ")}`;
  }

  #put(item) {
    const [waiting] = this.#waiting.values();
    this.element.insertBefore(item, waiting?.item ?? null);
    if (this.element.childElementCount > MOST) this.element.firstElementChild.remove();
    this.#follow();
  }

  /** It came back. The order is kept, so what was sent before it cannot come any more: its session was lost. */
  #takeBack(ref) {
    for (const [older, { failed }] of this.#waiting) {
      if (older === ref) break;
      if (!failed) this.fail(older, "It did not come back.");
    }
    this.#waiting.get(ref).item.remove();
    this.#waiting.delete(ref);
  }

  /** Once per frame, because two hundred messages may come at once. */
  #follow() {
    if (!this.atEnd || this.#scrolling) return;
    this.#scrolling = true;
    requestAnimationFrame(() => {
      this.#scrolling = false;
      if (this.atEnd) this.element.scrollTop = this.element.scrollHeight;
    });
  }
}

/** One message; it waits for the server as long as it has no id. */
function bubble({ id, at, author, text, number }, { own, late, together }) {
  const waiting = id === undefined;
  const data = waiting ? { waiting: number || "" } : { id, author, ...(number && { number }) };
  const classes = { own, late, together, waiting, chip: number > 0 };
  const className = ["message", ...Object.keys(classes).filter((name) => classes[name])].join(" ");
  if (number) {
    const title = waiting ? `${text}, on its way` : `${author}: ${text}, ${clock.format(at)}`;
    const chip = element("li", { class: className, data, title }, String(number));
    return own ? chip : tinted(chip, author);
  }
  const time = waiting
    ? element("span", { class: "time" }, "waiting…")
    : element("time", { class: "time", datetime: new Date(at).toISOString() }, clock.format(at));
  return element(
    "li",
    { class: className, data },
    !own && !together && avatar(author),
    element(
      "div",
      { class: "bubble" },
      !together && element("b", { class: own ? "unseen" : "author" }, own ? "You" : author),
      element("p", { class: "text" }, text),
      time,
    ),
  );
}
