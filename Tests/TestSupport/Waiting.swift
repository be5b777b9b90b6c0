/// How long a test waits for what must happen: much longer than it takes, for machines that do other things, too.
package let patience = Duration.seconds(600)

/// Looks every `interval` until `condition` holds.
///
/// - Throws: `TestSupportError` naming `what` after `limit`, and what `condition` throws.
package func wait(
    for what: String, limit: Duration = patience, interval: Duration = .milliseconds(20),
    until condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw TestSupportError("waited \(limit) in vain for \(what)") }
        try await Task.sleep(for: interval)
    }
}
