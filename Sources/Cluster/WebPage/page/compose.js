// The view in which a song is put together and sent off.
import { el, say } from "./dom.js";
import { get, submit } from "./api.js";
import { note as noteSong } from "./store.js";
import { disclosure } from "./command.js";
import { go } from "./route.js";
import { notices } from "./notices.js";
import { Form } from "./compose-form.js";
import { Plan } from "./compose-plan.js";

/** Shows the view in `place`. @returns what ends it. */
export function compose(place) {
  const form = new Form(() => plan.ask());
  const plan = new Plan(form);
  const button = el("button", { type: "submit", class: "primary big", text: "Have it made" });
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const as = disclosure(() => form.command());
  form.node.append(el("aside", { class: "plan-card", "aria-label": "Plan" }, plan.node, button, trouble, as.node));
  form.node.addEventListener("input", () => { as.update(); form.keep(); });
  form.node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    form.clear();
    trouble.hidden = true;
    try {
      button.textContent = form.hasFile ? "Sending the recording …" : "Sending …";
      const taken = await submit("/songs", await form.request());
      noteSong(await get(`/songs/${taken.song}`));
      notices.set(taken.song, taken.warnings);
      say(`Taken: ${taken.song}`);
      go({ view: "listen", song: taken.song });
    } catch (error) {
      if (!form.blame(error.message)) {
        trouble.textContent = error.message;
        trouble.hidden = false;
      }
    } finally {
      button.disabled = false;
      button.textContent = "Have it made";
    }
  });
  place.append(el("h2", { class: "unseen", text: "Compose" }), form.node);
  form.load().then(() => plan.ask());
  return () => plan.close();
}
