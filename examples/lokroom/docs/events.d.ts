/** Une nouvelle réservation a été créée */
export type BookingCreated = {
  event: "booking.created"
  timestamp: string
  data: {
    id: string
    listingId: string
    guestId: string
    startDate: string
    endDate: string
    totalPrice: number
    currency: string
    status: string
    pricingMode: string
    createdAt: string
  }
}

/** Une réservation a été confirmée */
export type BookingConfirmed = {
  event: "booking.confirmed"
  timestamp: string
  data: unknown
}

/** Une réservation a été annulée */
export type BookingCancelled = {
  event: "booking.cancelled"
  timestamp: string
  data: unknown
}

/** Une réservation est terminée */
export type BookingCompleted = {
  event: "booking.completed"
  timestamp: string
  data: unknown
}

/** Une nouvelle annonce a été créée */
export type ListingCreated = {
  event: "listing.created"
  timestamp: string
  data: {
    id: string
    title: string
    description: string
    price: number
    currency: string
    country: string
    city: string
    type: string
    ownerId: string
    createdAt: string
  }
}

/** Une annonce a été mise à jour */
export type ListingUpdated = {
  event: "listing.updated"
  timestamp: string
  data: unknown
}

/** Une annonce a été supprimée */
export type ListingDeleted = {
  event: "listing.deleted"
  timestamp: string
  data: unknown
}

/** Un nouvel avis a été publié */
export type ReviewCreated = {
  event: "review.created"
  timestamp: string
  data: {
    id: string
    bookingId: string
    listingId: string
    authorId: string
    targetUserId: string
    rating: number
    comment: string
    type: string
    createdAt: string
  }
}

/** Un nouveau message a été reçu */
export type MessageReceived = {
  event: "message.received"
  timestamp: string
  data: unknown
}

/** Un paiement a réussi */
export type PaymentSucceeded = {
  event: "payment.succeeded"
  timestamp: string
  data: {
    bookingId: string
    amount: number
    currency: string
    paymentIntentId: string
    status: string
    timestamp: string
  }
}

/** Un paiement a échoué */
export type PaymentFailed = {
  event: "payment.failed"
  timestamp: string
  data: unknown
}

/** Every event. */
export type WebhookEvent =
  | BookingCreated
  | BookingConfirmed
  | BookingCancelled
  | BookingCompleted
  | ListingCreated
  | ListingUpdated
  | ListingDeleted
  | ReviewCreated
  | MessageReceived
  | PaymentSucceeded
  | PaymentFailed
