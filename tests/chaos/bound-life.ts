// Preloaded into a command of the operator: it ends with whoever started it, so that none is left of a run that was killed.
// Must not do anything else.
process.once("disconnect", () => process.exit(1));
