/** The panels that open over the page on a small screen, each by its button: `#rooms` by `#toggle-rooms`. */
import { find } from "./element.js";

const buttons = document.querySelectorAll("[id^=toggle-]");

export function preparePanels() {
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      closePanels();
      if (!open) return;
      button.setAttribute("aria-expanded", "true");
      document.body.classList.add(`show-${button.getAttribute("aria-controls")}`);
    });
  }
  find("shade").addEventListener("click", closePanels);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && closePanels());
}

export function closePanels() {
  for (const button of buttons) {
    button.setAttribute("aria-expanded", "false");
    document.body.classList.remove(`show-${button.getAttribute("aria-controls")}`);
  }
}
