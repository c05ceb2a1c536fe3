/** The page that is shown to a browser without a session; it needs no script. */
const PAGE = (problem: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Gumshoe: log in</title>
  </head>
  <body>
    <h1>Gumshoe</h1>
    <p>${problem}</p>
    <p>Open the link that <code>gumshoe run</code> or <code>gumshoe up</code> printed, print a new one with
      <code>gumshoe link</code>, or enter the cluster's token.</p>
    <form method="post" action="/login">
      <label>Token <input type="password" name="token" autocomplete="off" required autofocus /></label>
      <button>Log in</button>
    </form>
  </body>
</html>
`;

/** Returns the page with the form for the token. */
export function loginPage(problem: "" | "used" | "token"): string {
  if (problem === "used") return PAGE("This link was used already, or is too old.");
  return PAGE(problem === "token" ? "The token is wrong." : "You are not logged in.");
}

/**
 * Returns the page that leads on after a login. A redirect would still belong to the site that the link was
 * on, and browsers send no strict cookie then.
 */
export function welcomePage(): string {
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8" />' +
    '<meta http-equiv="refresh" content="0; url=/" /><title>Gumshoe</title></head>' +
    '<body><a href="/">Go on</a></body></html>\n'
  );
}
