import { useId } from 'preact/hooks'

interface Attributes {
  readonly id: string
  readonly 'aria-describedby': string
  readonly 'aria-invalid': boolean
}

interface FieldOptions {
  readonly label: string
  readonly hint: string
  readonly wrong: string | undefined
  children(attributes: Attributes): preact.JSX.Element
}

/** A label, what is typed, and a hint or what is wrong with it. */
export function Field({ label, hint, wrong, children }: FieldOptions) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': `${id}-hint`, 'aria-invalid': wrong !== undefined })}
      <p id={`${id}-hint`} class={wrong ? 'wrong' : 'dim'} aria-live="polite">
        {wrong ?? hint}
      </p>
    </div>
  )
}

interface TextOptions extends Omit<FieldOptions, 'children'> {
  readonly value: string
  readonly onInput: (value: string) => void
  readonly lines?: number
  readonly numeric?: boolean
}

/** A field for a text: one line, or some. */
export function TextField({ value, onInput, lines, numeric = false, ...field }: TextOptions) {
  return (
    <Field {...field}>
      {(attributes) =>
        lines ? (
          <textarea
            {...attributes}
            rows={lines}
            spellcheck={false}
            value={value}
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
          />
        ) : (
          <input
            {...attributes}
            type="text"
            inputMode={numeric ? 'decimal' : 'text'}
            autoComplete="off"
            maxLength={500}
            value={value}
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
          />
        )
      }
    </Field>
  )
}
