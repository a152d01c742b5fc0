internal import BSON

/// Queue – the most recent whole queue: it was arranged by hand, so halves of two make none.
///
/// The greatest queue time wins whole; at equal times the cloud's, and between dumps the earlier in replica order.
enum Queue {
  struct Winner {
    var items: [Entry]
    /// When the queue was last decided, in milliseconds.
    var time: Int64?
  }

  /// - Parameter replicas: dumps in replica order, newest first.
  static func winner(
    replicas: [Replica], cloud: [Entry]?, cloudTime: Int64?, fates: inout EntryFates
  ) -> Winner? {
    var winner = cloud.map { Winner(items: $0, time: cloudTime) }
    for replica in replicas {
      guard let items = replica.queue else { continue }
      if let best = winner, (replica.time ?? Entry.never) <= (best.time ?? Entry.never) {
        fates.superseded += items.count
      } else {
        fates.superseded += winner?.items.count ?? 0
        winner = Winner(items: items, time: replica.time)
      }
    }
    fates.kept += winner?.items.count ?? 0
    return winner
  }

  /// Writes the items with `position` renumbered from 0.
  static func write(_ items: [Entry], to writer: inout BSONWriter) throws(BSONFault) {
    let start = writer.open()
    for (position, item) in items.enumerated() {
      writer.index(position, .document)
      let document = writer.open()
      var hasPosition = false
      var elements = item.document.elements
      while let element = try elements.next() {
        guard element.key == ByteView("position") else {
          writer.append(element.key, element.value)
          continue
        }
        if !hasPosition { writer.append("position", integer: Int64(position)) }
        hasPosition = true
      }
      if !hasPosition { writer.append("position", integer: Int64(position)) }
      writer.close(document)
    }
    writer.close(start)
  }
}
