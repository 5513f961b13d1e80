import { useId } from 'preact/hooks'

interface ChoiceOptions<T extends string | number> {
  readonly label: string
  readonly value: T | undefined
  readonly choices: readonly (readonly [value: T, label: string])[]
  readonly onChange: (value: T) => void
}

/** One of a few. */
export function Choice<T extends string | number>({ label, value, choices, onChange }: ChoiceOptions<T>) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={({ currentTarget }) => {
          const chosen = choices[currentTarget.selectedIndex]
          if (chosen) onChange(chosen[0])
        }}
      >
        {choices.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </div>
  )
}
