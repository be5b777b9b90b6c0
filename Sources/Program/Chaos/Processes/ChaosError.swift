/// Why a test with faults cannot be run, or a process not be started.
package struct ChaosError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
