// One line a provider. A bundle holds those that are used.
export {}
