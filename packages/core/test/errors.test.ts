import { readFileSync } from 'node:fs'
import { format, inspect } from 'node:util'
import {
  ConfigurationError,
  EndpointError,
  HooksError,
  isHooksError,
  PayloadError,
  StorageError,
  WebhookVerificationError,
} from '@hooks/core'
import { globSync } from 'tinyglobby'
import { describe, expect, it } from 'vitest'
