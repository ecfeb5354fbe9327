// In tests there is no server: the guard of that name has nothing to guard.
export {};
