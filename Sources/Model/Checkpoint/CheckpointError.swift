import SystemErrors

/// What is wrong with a checkpoint, a model folder or a codes file.
///
/// The text names the file, the thing in it, what was expected and what was found.
package struct CheckpointError: SystemFault, CustomStringConvertible, Equatable {
    /// The class of a problem, for callers that react differently to each.
    package enum Kind: Sendable {
        /// A file, tensor or entry that must exist does not.
        case missing
        /// The operating system would not open, map or write the file.
        case unreadable
        /// The file ends before its own tables say that it should.
        case truncated
        /// The content contradicts the format or itself.
        case malformed
        /// A pickle asks for an opcode or a global that is not on the allow-list.
        case forbidden
        /// Correct, but of a kind that is not read here.
        case unsupported
    }

    package let kind: Kind
    /// The file or folder.
    package let path: String
    /// What is wrong, and what to do when that is known.
    package let problem: String
    /// Of what the operating system would not do.
    package let systemCode: Int32?

    package init(_ kind: Kind, _ path: String, _ problem: String, code: Int32? = nil) {
        systemCode = code
        self.kind = kind
        self.path = path
        self.problem = problem
    }

    package var description: String { "\(path): \(problem)" }
}

/// The product of non-negative numbers, or nil when one is negative or the product leaves `Int`.
func checkedProduct(_ factors: [Int]) -> Int? {
    // Zero is looked for first: [0, huge, huge] is an empty tensor, not an overflow.
    guard factors.allSatisfy({ $0 >= 0 }) else { return nil }
    if factors.contains(0) { return 0 }
    var product = 1
    for factor in factors {
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        if overflow { return nil }
        product = next
    }
    return product
}

/// The sum, or nil when it leaves `Int`.
func checkedSum(_ a: Int, _ b: Int) -> Int? {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? nil : sum
}
