package web

// Actions are what the actions of an audit trail mean in words.
var Actions = actions
