"""The web frameworks that antiphon lives in: each lends requests, WebSockets and a loop, and knows no dialect."""
