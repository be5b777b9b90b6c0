package import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The arithmetic kernels of one instruction set.
///
/// Its methods are the operations, over plain pointers; none of them allocates. All instruction sets give the
/// same bits, so which one is active changes only the speed.
// Sendable: the table is constant data of the program.
package struct Kernels: @unchecked Sendable {
    /// The C table.
    package let table: UnsafePointer<ck_kernels>
    /// "scalar", "avx2", "avx512" or "neon".
    package let name: String

    /// The kernels of an instruction set, nil when this machine lacks it.
    package init?(isa: ck_isa) {
        guard let table = ck_table(isa) else { return nil }
        self.table = table
        self.name = String(cString: ck_isa_name(isa))
    }

    /// All instruction sets of this machine, slowest first.
    package static var available: [Kernels] {
        (0..<UInt32(CK_ISA_COUNT)).compactMap { Kernels(isa: ck_isa(rawValue: $0)) }
    }

    /// The kernels in use: the fastest, or those that `ORCHESTRION_ISA` names.
    package static let active: Kernels = {
        do {
            return try Kernels.named(getenv("ORCHESTRION_ISA").map { String(cString: $0) })
        } catch {
            // Unlike a failed precondition, it says why in optimised builds, too.
            fatalError("\(error)")
        }
    }()

    /// The kernels called `name`; nil or empty asks for the fastest.
    ///
    /// - Throws: `KernelsError` when there are none of that name, or this machine cannot run them.
    package static func named(_ name: String?) throws(KernelsError) -> Kernels {
        let available = Kernels.available
        guard let name, !name.isEmpty else { return available[available.count - 1] }
        if let kernels = available.first(where: { $0.name == name }) { return kernels }
        throw KernelsError(requested: name, available: available.map(\.name))
    }
}

/// `ORCHESTRION_ISA` asks for what this machine does not have.
package struct KernelsError: Error, CustomStringConvertible {
    package let requested: String
    package let available: [String]

    package var description: String {
        "ORCHESTRION_ISA is \"\(requested)\", which is unknown or not supported by this machine; "
            + "use one of \(available.joined(separator: ", ")), or unset it for the fastest"
    }
}
