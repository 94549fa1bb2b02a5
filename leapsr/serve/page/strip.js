/** The row of photos: a card each, with its state and what can be done about it. */

import * as api from "./api.js";
import { UNSENT, WORKING } from "./queue.js";
import { state } from "./words.js";

/** act: called with the name of an action ("open", "cancel", "retry", "download", "remove") and an entry. */
export class Strip {
  #cards = new Map();
  #inView = new WeakSet();

  constructor(list, act) {
    this.list = list;
    this.act = act;
    this.watcher = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) if (isIntersecting) this.#inView.add(target);
      this.show(this.entries, this.selected);
    });
  }

  show(entries, selected) {
    Object.assign(this, { entries, selected });
    const keys = new Set(entries.map((entry) => entry.key));
    for (const [key, card] of this.#cards) {
      if (keys.has(key)) continue;
      const neighbour = card.nextElementSibling ?? card.previousElementSibling;
      if (card.contains(document.activeElement)) neighbour?.querySelector(".open").focus();
      this.watcher.unobserve(card);
      card.remove();
      this.#cards.delete(key);
    }
    for (const [index, entry] of entries.entries()) {
      const card = this.#cards.get(entry.key) ?? this.#make(entry);
      if (this.list.children[index] !== card) this.list.insertBefore(card, this.list.children[index] ?? null);
      this.#update(card, entry, entry === selected);
    }
  }

  reveal(entry) {
    this.#cards.get(entry.key)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #make(entry) {
    const card = document.getElementById("card").content.firstElementChild.cloneNode(true);
    for (const button of card.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this.act(button.dataset.action, entry));
    }
    card.querySelector(".name").textContent = entry.name;
    this.#cards.set(entry.key, card);
    this.watcher.observe(card);
    return card;
  }

  #update(card, entry, selected) {
    const { status } = entry;
    card.dataset.status = status;
    card.querySelector(".name").textContent = entry.name;
    card.querySelector(".name").title = entry.name;
    card.querySelector(".state").textContent = state(entry);
    const open = card.querySelector("[data-action=open]");
    if (selected) open.setAttribute("aria-current", "true");
    else open.removeAttribute("aria-current");
    const bar = card.querySelector("progress");
    bar.hidden = !["sending", "running"].includes(status);
    bar.value = entry.progress;
    const offered = {
      cancel: WORKING.includes(status) || status === "sending" || status === "waiting",
      retry: status === "failed" || status === "cancelled",
      download: status === "done",
      remove: !WORKING.includes(status) && (!UNSENT.includes(status) || status === "ready"),
    };
    for (const [name, is] of Object.entries(offered)) {
      const button = card.querySelector(`[data-action=${name}]`);
      button.hidden = !is;
      button.setAttribute("aria-label", `${button.title} ${entry.name}`);
    }
    if (this.#inView.has(card)) this.#picture(card.querySelector("canvas"), entry);
  }

  /** The small picture: of the file, or of the result where the page was loaded after the file was sent. */
  async #picture(canvas, entry) {
    const from = entry.card ? "file" : entry.status === "done" ? "result" : null;
    if (!from || canvas.dataset.from) return;
    canvas.dataset.from = from;
    try {
      const bitmap = entry.card ?? (await api.bitmap(api.tilePath(entry.id, "result", 0, 0, 0, 0)));
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
    } catch {
      delete canvas.dataset.from;
    }
  }
}
