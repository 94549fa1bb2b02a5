/** Numbers and states in the words that the page shows. */

const NUMBER = new Intl.NumberFormat("en");
const DAY_AND_TIME = new Intl.DateTimeFormat("en", { weekday: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const STATES = {
  ready: "ready",
  sending: "sending",
  waiting: "waiting to be sent",
  queued: "in the queue",
  running: "upscaling",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
};

/** "4,510 × 3,000" */
export function dimensions(width, height) {
  return `${NUMBER.format(width)} × ${NUMBER.format(height)}`;
}

/** "13.5 megapixels" */
export function megapixels(width, height) {
  const count = (width * height) / 1e6;
  return `${count < 10 ? count.toFixed(1) : NUMBER.format(Math.round(count))} megapixels`;
}

export function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

/** "about 40 s", "about 3 min" */
export function duration(seconds) {
  if (seconds < 1.5) return "a moment";
  if (seconds < 90) return `about ${seconds < 10 ? Math.round(seconds) : Math.round(seconds / 5) * 5} s`;
  return seconds < 5400 ? `about ${Math.round(seconds / 60)} min` : `about ${(seconds / 3600).toFixed(1)} h`;
}

export function count(number, noun) {
  return `${NUMBER.format(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** "Tuesday 14:05" of an ISO time. */
export function moment(time) {
  return DAY_AND_TIME.format(new Date(time)).replace(" at", "");
}

/** "70 %, about 8 s left": one line about a photo, see Queue. */
export function state(entry) {
  const share = `${Math.round(100 * entry.progress)} %`;
  if (entry.cancels && entry.status === "sending") return "cancelling";
  if (entry.status === "sending") return `sending, ${share}`;
  if (entry.status === "running") return entry.eta_s == null ? share : `${share}, ${duration(entry.eta_s)} left`;
  if (entry.status === "queued" && entry.position) return `in the queue, ${entry.position} before it`;
  if (entry.status === "done") return dimensions(entry.result.width, entry.result.height);
  return STATES[entry.status];
}
