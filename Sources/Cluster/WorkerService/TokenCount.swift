import Foundation

/// Tokens that engines drew, counted in a file that outlives them: `ORCHESTRION_TOKEN_COUNT` names it. So a test with faults
/// knows how many were drawn twice, also by engines that were killed.
struct TokenCount {
    private var place: UnsafeMutablePointer<UInt64>?

    /// - Parameter file: is made where it is not there. One that cannot be used counts nothing.
    init(file: String? = ProcessInfo.processInfo.environment["ORCHESTRION_TOKEN_COUNT"]) {
        guard let file, !file.isEmpty else { return }
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, ftruncate(descriptor, 8) == 0,
            let memory = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else { return }
        place = memory.bindMemory(to: UInt64.self, capacity: 1)
    }

    @inline(__always)
    func add() { if let place { place.pointee &+= 1 } }
}
