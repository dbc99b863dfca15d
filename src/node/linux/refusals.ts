// Turns what the kernel says to netlink into what drivers promise to throw.
import { NetlinkError } from '../netlink/netlink-socket.ts';
import { DriverError } from './driver.ts';

/** Runs the body; a refusal of the kernel leaves it as DriverError, with the command to try by hand as input. */
export function asDriver<T>(driver: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw driverError(driver, error);
  }
}

export const driverError = (driver: string, error: unknown): unknown =>
  error instanceof NetlinkError ? new DriverError(driver, error.message, error.request) : error;
