export * from '@hooks/core/formats'
