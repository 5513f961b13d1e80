/** A body of about `size` bytes that looks like one: bookings, as a product would send them. */
export function payload(size: number): string {
  const bookings: object[] = []
  const body = () =>
    JSON.stringify({ type: 'bookings.synced', timestamp: '2026-01-15T10:30:00.000Z', data: { bookings } })
  while (body().length < size) {
    bookings.push({
      id: `booking_${1000 + bookings.length}`,
      listingId: 'listing_7f3a9c2e51',
      guestId: 'user_4b8d0e6a97',
      startDate: '2026-02-01T14:00:00Z',
      endDate: '2026-02-03T11:00:00Z',
      totalPrice: 250.5,
      currency: 'EUR',
      status: 'PENDING',
      note: 'Arrives late in the evening; please leave the key in the box beside the door, the code was sent before.',
    })
  }
  return body()
}
