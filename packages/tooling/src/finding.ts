/** A line that breaks a rule of the repository. */
export interface Finding {
  /** Path from the top of the repository. */
  readonly file: string
  readonly line: number
  readonly message: string
}
