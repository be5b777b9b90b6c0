/// Why a model cannot be had. It says what to do.
package struct FetchError: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// What may go better a moment later: a cut, a stall, a server that is busy.
struct PassingFault: Error, Equatable, CustomStringConvertible {
    var description: String
    /// What the server asks for.
    var pause: Duration?

    init(_ description: String, pause: Duration? = nil) { (self.description, self.pause) = (description, pause) }
}
