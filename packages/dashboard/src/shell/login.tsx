/** The login: by the link that the command prints, or by the cluster's token. */
import { Done } from "@gumshoe/api";
import { useSignal } from "@preact/signals";

import { post, session } from "../api/request.js";
import { Sign } from "./top-bar.js";

/** Draws the form. */
export function Login() {
  const token = useSignal("");
  const problem = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    isBusy.value = true;
    const outcome = await post("/api/login", Done, { token: token.value.trim() });
    isBusy.value = false;
    if (outcome.ok) session.value = "in";
    else problem.value = outcome.problem.text;
  };
  return (
    <main class="login">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>
          <Sign /> Gumshoe
        </h1>
        <p class="muted">
          Open the link that <code>gumshoe run</code> or <code>gumshoe up</code> printed, or enter
          the cluster’s token.
        </p>
        <label>
          Token
          <input
            class="input"
            type="password"
            name="token"
            autocomplete="current-password"
            required
            value={token}
            onInput={(event) => (token.value = event.currentTarget.value)}
          />
        </label>
        {problem.value !== null && (
          <p class="notice bad" role="alert">
            {problem.value}
          </p>
        )}
        <button class="button first" type="submit" disabled={isBusy.value}>
          Log in
        </button>
      </form>
    </main>
  );
}
