/** The form of settings, as the object that the API takes. */

/** What a photo is restored with; a change of these can be shown in a part of it. */
const LOOK = ["model", "fidelity", "denoise", "steps", "seed"];
const SIZES = { scale: 4, width: 3000, height: 2000, long_side: 4000 };
const NO_QUALITY = ["png", "tiff"];

/** Events: "input" on each change by the user. */
export class SettingsForm extends EventTarget {
  #models = [];

  constructor(form) {
    super();
    this.form = form;
    this.fields = form.elements;
    this.fields.size_kind.addEventListener("input", () => {
      this.fields.size.value = SIZES[this.fields.size_kind.value];
    });
    this.fields.fidelity.addEventListener("input", () => (this.ownFidelity = true));
    form.querySelector("#default-fidelity").addEventListener("click", () => {
      this.ownFidelity = false;
      this.#changed();
    });
    form.querySelector("#another-seed").addEventListener("click", () => {
      this.fields.seed.value = Math.floor(Math.random() * 10_000);
      this.#changed();
    });
    form.addEventListener("input", () => this.#changed());
    this.ownFidelity = false;
    this.#show();
  }

  /** models: as the server lists them. */
  setModels(models) {
    this.#models = models;
    const words = (model) => model.purpose.replace(/ \(--[^)]*\)/, ""); // options of the command line
    const { model: select } = this.fields;
    const chosen = select.value;
    const byDefault = select.options[0];
    select.replaceChildren(byDefault, ...models.map((model) => new Option(`${model.name}: ${words(model)}`, model.name)));
    this.write({ ...this.read(), model: chosen });
  }

  read() {
    const { fields } = this;
    return {
      model: fields.model.value || null,
      [fields.size_kind.value]: fields.size.valueAsNumber || SIZES[fields.size_kind.value],
      fidelity: this.ownFidelity ? fields.fidelity.valueAsNumber : null, // null: the model's
      denoise: fields.denoise.disabled ? "auto" : fields.denoise.value,
      steps: fields.steps.valueAsNumber || 1,
      seed: fields.seed.valueAsNumber || 0,
      samples: fields.samples.valueAsNumber || 1,
      detail_map: fields.detail_map.checked,
      format: fields.format.value,
      quality: fields.quality.valueAsNumber,
      strip_metadata: fields.strip_metadata.checked,
    };
  }

  /** What read() gives, with the number that the dial shows. */
  get shown() {
    return { ...this.read(), fidelity: this.fields.fidelity.valueAsNumber };
  }

  /** settings: as read() gives them, or the server; a size that is missing is the model's own. */
  write(settings) {
    const { fields } = this;
    const kind = Object.keys(SIZES).find((name) => settings[name] != null) ?? "scale";
    fields.size_kind.value = kind;
    fields.size.value = settings[kind] ?? this.#model(settings).scale;
    offer(fields.model, settings.model ?? "");
    this.ownFidelity = settings.fidelity !== null && settings.fidelity !== this.#model(settings).fidelity;
    if (this.ownFidelity) fields.fidelity.value = settings.fidelity;
    offer(fields.denoise, String(settings.denoise ?? "auto"));
    fields.steps.value = settings.steps ?? 1;
    fields.seed.value = settings.seed ?? 0;
    fields.samples.value = settings.samples ?? 1;
    fields.detail_map.checked = Boolean(settings.detail_map);
    fields.format.value = settings.format ?? "auto";
    fields.quality.value = settings.quality ?? 95;
    fields.strip_metadata.checked = Boolean(settings.strip_metadata);
    this.#show();
  }

  /** The model that these settings lead to: the one named, or the default for the size. */
  #model(settings) {
    const small = settings.scale != null && settings.scale <= 2;
    const suits = ({ name, scale, is_default: isDefault }) => {
      return settings.model ? name === settings.model : small ? scale === 2 : isDefault;
    };
    return this.#models.find(suits) ?? { scale: 4, fidelity: 0.6, reads_noise: true };
  }

  #changed() {
    this.#show();
    this.dispatchEvent(new Event("input"));
  }

  /** Texts and states that follow from the values. */
  #show() {
    const { fields, form } = this;
    const model = this.#model(this.read());
    if (!this.ownFidelity) fields.fidelity.value = model.fidelity ?? 0;
    fields.fidelity.disabled = model.fidelity === null;
    fields.denoise.disabled = !model.reads_noise;
    const value = fields.fidelity.valueAsNumber;
    const words = value <= 0.2 ? "sharpest, invents detail" : value >= 0.8 ? "safest, softest" : "in between";
    fields.fidelity.setAttribute("aria-valuetext", `${value.toFixed(2)}, ${words}`);
    form.querySelector("#fidelity-value").textContent = value.toFixed(2);
    form.querySelector("#default-fidelity").hidden = !this.ownFidelity;
    form.querySelector("#quality-row").hidden = NO_QUALITY.includes(fields.format.value);
    form.querySelector("#quality-value").textContent = fields.quality.value;
    fields.size.min = fields.size_kind.value === "scale" ? 1 : 16;
    fields.size.step = fields.size_kind.value === "scale" ? 0.1 : 1;
  }
}

/** Choose a value, also one that is not in the list, or not yet. */
function offer(select, value) {
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(value, value));
  select.value = value;
}

/** The whole new look if any of it differs between two settings, else null. */
export function changedLook(before, now) {
  if (LOOK.every((name) => before[name] === now[name])) return null;
  return Object.fromEntries(LOOK.map((name) => [name, now[name]]).filter(([, value]) => value !== null));
}

export function sameSettings(one, other) {
  return Object.keys({ ...one, ...other }).every((name) => one[name] === other[name]);
}

/** How large the result of a photo of width x height will be; one that is large enough stays as it is. */
export function sizeOfResult(settings, width, height) {
  if (settings.scale) return scaled(settings.scale);
  if (settings.width) return scaled(settings.width / width);
  if (settings.height) return scaled(settings.height / height);
  return scaled(settings.long_side / Math.max(width, height));

  function scaled(wanted) {
    const factor = Math.max(1, wanted);
    return [Math.round(width * factor), Math.round(height * factor)];
  }
}

/** What of the settings is to be seen in a preview. */
export function forPreview(settings) {
  const seen = [...LOOK, ...Object.keys(SIZES)].filter((name) => settings[name] != null);
  return Object.fromEntries(seen.map((name) => [name, settings[name]]));
}
