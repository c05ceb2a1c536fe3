/** The page: its bar, and the view that the address names. */
import { LocationProvider, Route, Router } from "preact-iso";
import { useEffect } from "preact/hooks";

import { isLoggedIn, session } from "../api/request.js";
import { GroupView } from "../answers/group-view.js";
import { TaskView } from "../answers/task-view.js";
import { CompareView } from "../compare/compare-view.js";
import { RunView } from "../run/run-view.js";
import { RunsView } from "../runs/runs-view.js";
import { SubmitView } from "../runs/submit-view.js";
import { ClusterView } from "../time/cluster-view.js";
import { Login } from "./login.js";
import { TopBar } from "./top-bar.js";

/** Draws the page, or the login when the session has ended. */
export function Page() {
  useEffect(() => {
    void isLoggedIn();
  }, []);
  if (session.value === "out") return <Login />;
  if (session.value === "unknown")
    return <div class="loading" role="status" aria-label="Loading" />;
  return (
    <LocationProvider>
      <TopBar />
      <main class="page" id="content" tabIndex={-1}>
        <Router
          onRouteChange={() => document.getElementById("content")?.focus({ preventScroll: true })}
        >
          <Route path="/" component={RunsView} />
          <Route path="/runs/:run" component={RunView} />
          <Route path="/runs/:run/groups/:iteration/:kind/:group" component={GroupView} />
          <Route path="/runs/:run/held-out/:task" component={TaskView} />
          <Route path="/runs/:run/:tab" component={RunView} />
          <Route path="/new" component={SubmitView} />
          <Route path="/compare" component={CompareView} />
          <Route path="/cluster" component={ClusterView} />
          <Route default component={Missing} />
        </Router>
      </main>
    </LocationProvider>
  );
}

function Missing() {
  return (
    <p class="empty">
      There is no such view. <a href="/">All runs</a>
    </p>
  );
}
